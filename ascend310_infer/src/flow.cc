#include "flow.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace depth {
namespace {

constexpr float kUnknown = 1e7F;  // Middlebury's mark of a pixel without flow
constexpr int kWheel = 15 + 6 + 4 + 11 + 13 + 6;

using Wheel = std::array<std::array<double, 3>, kWheel>;

// Red, yellow, green, cyan, blue, magenta and back, in steps of Middlebury's numbers; 0..1.
Wheel MakeWheel() {
  struct Part {
    int count, rises, falls;  // channels in R, G, B; -1: none
  };
  const Part parts[] = {{15, 1, -1}, {6, -1, 0}, {4, 2, -1}, {11, -1, 1}, {13, 0, -1}, {6, -1, 2}};
  Wheel wheel{};
  std::array<double, 3> color = {255, 0, 0};
  int place = 0;
  for (const Part& part : parts) {
    for (int i = 0; i < part.count; ++i, ++place) {
      const auto level = static_cast<double>(255 * i / part.count);
      auto& entry = wheel[static_cast<size_t>(place)];
      entry = color;
      if (part.rises >= 0) entry[static_cast<size_t>(part.rises)] = level;
      if (part.falls >= 0) entry[static_cast<size_t>(part.falls)] = 255 - level;
    }
    if (part.rises >= 0) color[static_cast<size_t>(part.rises)] = 255;
    if (part.falls >= 0) color[static_cast<size_t>(part.falls)] = 0;
  }
  for (auto& entry : wheel) {
    for (double& level : entry) level /= 255;
  }
  return wheel;
}

bool IsKnown(const cv::Vec2f& flow) {
  return std::abs(flow[0]) <= kUnknown && std::abs(flow[1]) <= kUnknown;
}

float Length(const cv::Vec2f& flow) { return std::sqrt(flow[0] * flow[0] + flow[1] * flow[1]); }

// Lengths in float32 and hues in float64 from it, as sfm_utils/flow_files.py computes them.
cv::Vec3b ColorOf(const Wheel& wheel, const cv::Vec2f& flow) {
  const double length = Length(flow);
  const double turn =
      std::atan2(-static_cast<double>(flow[1]), -static_cast<double>(flow[0])) / M_PI;
  const double place = (turn + 1) / 2 * (kWheel - 1);
  const auto before = static_cast<size_t>(std::floor(place));
  const double share = place - static_cast<double>(before);
  cv::Vec3b bgr;
  for (size_t i = 0; i < 3; ++i) {
    double level = (1 - share) * wheel[before][i] + share * wheel[(before + 1) % kWheel][i];
    level = length <= 1 ? 1 - length * (1 - level) : level * 0.75;
    bgr[static_cast<int>(2 - i)] = static_cast<uchar>(std::floor(255 * level));
  }
  return bgr;
}

}  // namespace

cv::Mat RestoreFlow(const cv::Mat& u, const cv::Mat& v, const Geometry& geometry) {
  cv::Mat flow;
  cv::merge(std::vector<cv::Mat>{u, v}, flow);
  if (geometry.photo.area() == 0) return flow;
  const cv::Rect& crop = geometry.crop;
  cv::Mat resized, restored;
  cv::resize(flow, resized, crop.size(), 0, 0, cv::INTER_LINEAR);
  const cv::Vec2f scale(static_cast<float>(crop.width) / static_cast<float>(u.cols),
                        static_cast<float>(crop.height) / static_cast<float>(u.rows));
  for (auto& pixel : cv::Mat_<cv::Vec2f>(resized)) pixel = pixel.mul(scale);
  cv::copyMakeBorder(resized, restored, crop.y, geometry.photo.height - crop.y - crop.height,
                     crop.x, geometry.photo.width - crop.x - crop.width, cv::BORDER_REPLICATE);
  return restored;
}

std::string EncodeFlo(const cv::Mat& flow) {
  const int32_t size[] = {flow.cols, flow.rows};
  std::string text = "PIEH";
  text.append(reinterpret_cast<const char*>(size), sizeof(size));
  for (int y = 0; y < flow.rows; ++y) {
    text.append(flow.ptr<char>(y), static_cast<size_t>(flow.cols) * sizeof(cv::Vec2f));
  }
  return text;
}

cv::Mat ToKittiPng(const cv::Mat& flow) {
  cv::Mat png(flow.size(), CV_16UC3);
  const auto level = [](float pixels) {
    return static_cast<uint16_t>(std::clamp(pixels * 64 + 32768, 0.0F, 65535.0F));
  };
  std::transform(flow.begin<cv::Vec2f>(), flow.end<cv::Vec2f>(), png.begin<cv::Vec3w>(),
                 [&](const cv::Vec2f& f) {
                   const bool known = std::isfinite(f[0]) && std::isfinite(f[1]);
                   return known ? cv::Vec3w(1, level(f[1]), level(f[0]))
                                : cv::Vec3w(0, level(0), level(0));
                 });
  return png;
}

cv::Mat ToFlowColor(const cv::Mat& flow) {
  static const Wheel wheel = MakeWheel();
  float longest = 0;
  for (auto it = flow.begin<cv::Vec2f>(); it != flow.end<cv::Vec2f>(); ++it) {
    if (IsKnown(*it)) longest = std::max(longest, Length(*it));
  }
  const auto unit = static_cast<float>(longest + std::numeric_limits<double>::epsilon());
  cv::Mat color(flow.size(), CV_8UC3, cv::Scalar::all(0));
  std::transform(flow.begin<cv::Vec2f>(), flow.end<cv::Vec2f>(), color.begin<cv::Vec3b>(),
                 [&](const cv::Vec2f& f) {
                   return IsKnown(f) ? ColorOf(wheel, cv::Vec2f(f[0] / unit, f[1] / unit))
                                     : cv::Vec3b(0, 0, 0);
                 });
  return color;
}

}  // namespace depth
