#include "depth_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

namespace depth {

bool IsMetric(Meaning meaning) {
  return meaning == Meaning::kLogDepth || meaning == Meaning::kDepth;
}

cv::Mat Restore(const cv::Mat& output, Meaning meaning, const Geometry& geometry) {
  cv::Mat map = output.clone();
  if (meaning == Meaning::kLogDepth) cv::exp(output, map);
  if (geometry.photo.area() == 0) return map;
  const cv::Rect& crop = geometry.crop;
  cv::Mat resized, restored;
  cv::resize(map, resized, crop.size(), 0, 0, cv::INTER_LINEAR);
  cv::copyMakeBorder(resized, restored, crop.y, geometry.photo.height - crop.y - crop.height,
                     crop.x, geometry.photo.width - crop.x - crop.width, cv::BORDER_REPLICATE);
  return restored;
}

cv::Mat ToDepth(const cv::Mat& map, Meaning meaning, double metric_scale) {
  const auto scale = static_cast<float>(metric_scale);
  if (IsMetric(meaning)) return map * scale;
  cv::Mat depth(map.size(), CV_32F);
  std::transform(map.begin<float>(), map.end<float>(), depth.begin<float>(), [=](float value) {
    return value > 0 ? scale / value : std::numeric_limits<float>::infinity();
  });
  return depth;
}

cv::Mat MetricPng16(const cv::Mat& metres, double levels) {
  cv::Mat png;
  metres.convertTo(png, CV_16U, levels);  // saturates, and rounds half to even as numpy's rint
  png.setTo(0, cv::abs(metres) > std::numeric_limits<float>::max());
  png.setTo(0, metres != metres);
  return png;
}

cv::Mat RelativePng16(const cv::Mat& map) {
  cv::Mat png(map.size(), CV_16U, cv::Scalar(0));
  double least = 0, most = 0;
  cv::minMaxLoc(map, &least, &most);
  const auto low = static_cast<float>(least);
  const float range = static_cast<float>(most) - low;
  if (!(range > std::numeric_limits<float>::epsilon())) return png;
  std::transform(map.begin<float>(), map.end<float>(), png.begin<uint16_t>(), [=](float value) {
    // Multiply first, then divide, in float32: the truncation shows the last bit.
    const float level = 65535.0F * (value - low) / range;
    return static_cast<uint16_t>(level >= 0 ? std::min(level, 65535.0F) : 0.0F);
  });
  return png;
}

double Percentile(std::vector<float>* values, double percent) {
  const double rank = percent / 100 * static_cast<double>(values->size() - 1);
  const auto lower = static_cast<std::ptrdiff_t>(std::floor(rank));
  const auto at = values->begin() + lower;
  std::nth_element(values->begin(), at, values->end());
  if (at + 1 == values->end()) return *at;
  const float next = *std::min_element(at + 1, values->end());
  return *at + (static_cast<double>(next) - *at) * (rank - static_cast<double>(lower));
}

cv::Mat ToColor(const cv::Mat& map, Meaning meaning) {
  cv::Mat inverse = map;
  if (IsMetric(meaning)) {
    cv::Mat positive;
    cv::max(map, 1e-6, positive);
    cv::divide(1.0, positive, inverse);
  }
  std::vector<float> finite;
  finite.reserve(inverse.total());
  std::copy_if(inverse.begin<float>(), inverse.end<float>(), std::back_inserter(finite),
               [](float value) { return std::isfinite(value); });
  const double low = finite.empty() ? 0 : Percentile(&finite, 2);
  const double high = std::max(finite.empty() ? 1 : Percentile(&finite, 98), low + 1e-6);
  cv::Mat level, color;
  inverse.convertTo(level, CV_8U, 255 / (high - low), -low * 255 / (high - low));
  cv::applyColorMap(level, color, cv::COLORMAP_INFERNO);
  color.setTo(0, cv::abs(inverse) > std::numeric_limits<float>::max());
  color.setTo(0, inverse != inverse);
  return color;
}

std::string EncodePfm(const cv::Mat& map) {
  std::string text =
      "Pf\n" + std::to_string(map.cols) + " " + std::to_string(map.rows) + "\n-1.000000\n";
  for (int y = map.rows - 1; y >= 0; --y) {
    text.append(map.ptr<char>(y), static_cast<size_t>(map.cols) * sizeof(float));
  }
  return text;
}

}  // namespace depth
