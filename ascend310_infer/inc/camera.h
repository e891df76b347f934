// Intrinsics of the images, of what a network sees of them, and points in space.
#ifndef DEPTH_INFER_CAMERA_H_
#define DEPTH_INFER_CAMERA_H_

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "image.h"
#include "sidecar.h"

namespace depth {

// Throws InputError when the camera holds for images of another size; `where` names the image.
void CheckSize(const Intrinsics& camera, cv::Size photo, const std::string& where);

// The camera of the crop, resized to height x width: focal lengths and centre scale alike.
Intrinsics Resized(const Intrinsics& camera, const cv::Rect& crop, int height, int width);

// K, or its inverse, row by row.
std::vector<float> MatrixOf(const Intrinsics& camera, bool inverse);

// Binary PLY, one vertex a pixel whose depth is finite and above 0: x, y, z (right, down, ahead, in
// the unit of the depth) and the photo's colour. `depth` is float32 of the photo's size.
std::string EncodePly(const cv::Mat& depth, const cv::Mat& bgr, const Intrinsics& camera);

}  // namespace depth

#endif  // DEPTH_INFER_CAMERA_H_
