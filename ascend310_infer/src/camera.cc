#include "camera.h"

#include <cmath>

#include "error.h"

namespace depth {

void CheckSize(const Intrinsics& camera, cv::Size photo, const std::string& where) {
  if (photo.width == camera.width && photo.height == camera.height) return;
  throw InputError(where + ": the image is " + std::to_string(photo.width) + "x" +
                   std::to_string(photo.height) + ", but the intrinsics hold for " +
                   std::to_string(camera.width) + "x" + std::to_string(camera.height) +
                   "; give those of its size");
}

Intrinsics Resized(const Intrinsics& camera, const cv::Rect& crop, int height, int width) {
  const double x = static_cast<double>(width) / crop.width;
  const double y = static_cast<double>(height) / crop.height;
  return {camera.fx * x, camera.fy * y, (camera.cx - crop.x) * x, (camera.cy - crop.y) * y,
          width,         height};
}

std::vector<float> MatrixOf(const Intrinsics& camera, bool inverse) {
  double fx = camera.fx, fy = camera.fy, cx = camera.cx, cy = camera.cy;
  if (inverse) {
    cx = -cx / fx;
    cy = -cy / fy;
    fx = 1 / fx;
    fy = 1 / fy;
  }
  const double rows[] = {fx, 0, cx, 0, fy, cy, 0, 0, 1};
  std::vector<float> values;
  for (const double value : rows) values.push_back(static_cast<float>(value));
  return values;
}

std::string EncodePly(const cv::Mat& depth, const cv::Mat& bgr, const Intrinsics& camera) {
  const auto fx = static_cast<float>(camera.fx), fy = static_cast<float>(camera.fy);
  const auto cx = static_cast<float>(camera.cx), cy = static_cast<float>(camera.cy);
  std::string vertices;
  size_t count = 0;
  for (int v = 0; v < depth.rows; ++v) {
    for (int u = 0; u < depth.cols; ++u) {
      const float z = depth.at<float>(v, u);
      if (!(z > 0 && std::isfinite(z))) continue;
      const float point[] = {(static_cast<float>(u) - cx) / fx * z,
                             (static_cast<float>(v) - cy) / fy * z, z};
      const cv::Vec3b& color = bgr.at<cv::Vec3b>(v, u);
      const char rgb[] = {static_cast<char>(color[2]), static_cast<char>(color[1]),
                          static_cast<char>(color[0])};
      vertices.append(reinterpret_cast<const char*>(point), sizeof(point));
      vertices.append(rgb, sizeof(rgb));
      ++count;
    }
  }
  std::string text =
      "ply\nformat binary_little_endian 1.0\nelement vertex " + std::to_string(count) + "\n";
  for (const char* name : {"x", "y", "z"}) text += std::string("property float ") + name + "\n";
  for (const char* name : {"red", "green", "blue"}) {
    text += std::string("property uchar ") + name + "\n";
  }
  return text + "end_header\n" + vertices;
}

}  // namespace depth
