// From the network's output to a map of the photo's size and to the files that people look at.
#ifndef DEPTH_INFER_DEPTH_MAP_H_
#define DEPTH_INFER_DEPTH_MAP_H_

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "image.h"
#include "sidecar.h"

namespace depth {

// True for outputs in metres (log_depth, depth); the others are relative inverse depth.
bool IsMetric(Meaning meaning);

// The map as the network gave it (h x w float32) in its own domain, log_depth made metres, resized
// to the crop; photo pixels outside the crop take the nearest predicted value. Without a photo
// (a .bin) the map keeps the network's size.
cv::Mat Restore(const cv::Mat& output, Meaning meaning, const Geometry& geometry);

// Depth of a map in the unit of its metric_scale: scale / value of a disparity, infinite where that
// is not above 0; scale * value of a depth.
cv::Mat ToDepth(const cv::Mat& map, Meaning meaning, double metric_scale);

// Metres times `levels`, 0..65535, rounded; what is not finite is 0.
cv::Mat MetricPng16(const cv::Mat& metres, double levels);

// Inverse depth spread over the whole range and truncated (the write_depth rule of MiDaS; a
// constant map is all 0).
cv::Mat RelativePng16(const cv::Mat& map);

// BGR image, near = bright: inferno between the 2nd and 98th percentile of the inverse depth.
cv::Mat ToColor(const cv::Mat& map, Meaning meaning);

// Linear interpolation between ranks, as numpy does it. `values` is reordered, not empty.
double Percentile(std::vector<float>* values, double percent);

// Single-channel PFM: little-endian, bottom row first.
std::string EncodePfm(const cv::Mat& map);

}  // namespace depth

#endif  // DEPTH_INFER_DEPTH_MAP_H_
