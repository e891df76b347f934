// From a file to the network's input, exactly as the Python side prepares it.
#ifndef DEPTH_INFER_IMAGE_H_
#define DEPTH_INFER_IMAGE_H_

#include <filesystem>
#include <opencv2/core.hpp>
#include <vector>

#include "sidecar.h"

namespace depth {

// What is needed to bring a predicted map back onto the photo. Empty for a prepared .bin.
struct Geometry {
  cv::Size photo;  // as decoded
  cv::Rect crop;   // the part that the network saw
};

struct Prepared {
  std::vector<float> values;  // 3 x height x width
  int height = 0, width = 0;
  Geometry geometry;
  cv::Mat photo;  // BGR as decoded, where it is asked for
};

// The crop window for a photo: coordinates scale with the photo's size, rounded half up.
cv::Rect CropWindow(const std::optional<CropSpec>& crop, cv::Size photo);

// The network's input size for a (cropped) photo; the aspect rules are those of MiDaS.
cv::Size ResizedSize(const ResizeSpec& resize, cv::Size photo);

// Decodes; throws InputError that names the file, also for one that is cut off (decoders would
// quietly fill the rest with grey).
cv::Mat ReadBgr(const std::filesystem::path& path);

Prepared PrepareImage(const cv::Mat& bgr, const ImageSpec& spec);

// Decodes and prepares an image.
Prepared LoadImage(const std::filesystem::path& path, const Sidecar& sidecar, bool keep_photo);

// Reads the float32 values of one sample: exactly as many as `shape` has after its first axis.
std::vector<float> ReadTensor(const std::filesystem::path& path, const std::string& name,
                              const Shape& shape);

}  // namespace depth

#endif  // DEPTH_INFER_IMAGE_H_
