// Optical flow as files: Middlebury's .flo and colours, KITTI's 16-bit PNG.
#ifndef DEPTH_INFER_FLOW_H_
#define DEPTH_INFER_FLOW_H_

#include <opencv2/core.hpp>
#include <string>

#include "image.h"

namespace depth {

// `output` is u, then v, each h x w float32, in pixels of the network's input. Returns CV_32FC2 of
// the photo's size in the photo's pixels; outside the crop the nearest value. Without a photo it
// keeps the size.
cv::Mat RestoreFlow(const cv::Mat& u, const cv::Mat& v, const Geometry& geometry);

// "PIEH", width and height as int32, then u and v of each pixel, row by row, little-endian.
std::string EncodeFlo(const cv::Mat& flow);

// KITTI: CV_16UC3 in OpenCV's order: valid (1), v, u; levels = 64 * pixels + 32768.
cv::Mat ToKittiPng(const cv::Mat& flow);

// BGR, hue by direction and saturation by length, of the longest in the image; unknown is black.
cv::Mat ToFlowColor(const cv::Mat& flow);

}  // namespace depth

#endif  // DEPTH_INFER_FLOW_H_
