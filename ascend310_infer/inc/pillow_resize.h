// Pillow's Image.resize of 8-bit images, bit for bit: networks that were trained on its images see
// the same ones here. Made smaller, a pixel is a weighted mean of all that it covers.
#ifndef DEPTH_INFER_PILLOW_RESIZE_H_
#define DEPTH_INFER_PILLOW_RESIZE_H_

#include <opencv2/core.hpp>

#include "sidecar.h"

namespace depth {

bool IsPillow(Filter filter);

// `image` is CV_8UC3, `size` not empty; `filter` is one of Pillow's.
cv::Mat PillowResize(const cv::Mat& image, cv::Size size, Filter filter);

}  // namespace depth

#endif  // DEPTH_INFER_PILLOW_RESIZE_H_
