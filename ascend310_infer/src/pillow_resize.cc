#include "pillow_resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace depth {
namespace {

// Weights are whole numbers of 2^-22: 8 bits of pixel and 2 to spare fit an int with them.
constexpr int kPrecision = 32 - 8 - 2;
constexpr int kChannels = 3;

double Sinc(double x) {
  if (x == 0) return 1;
  x *= M_PI;
  return std::sin(x) / x;
}

double Lanczos(double x) { return -3 <= x && x < 3 ? Sinc(x) * Sinc(x / 3) : 0; }

double Triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

double Cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

struct Kernel {
  double (*weight)(double);
  double support;
};

Kernel KernelOf(Filter filter) {
  switch (filter) {
    case Filter::kPillowLanczos:
      return {Lanczos, 3};
    case Filter::kPillowBicubic:
      return {Cubic, 2};
    default:
      return {Triangle, 1};
  }
}

// One output pixel: the sum of weights[k] * input[first + k].
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

std::vector<Taps> MakeTaps(int in_size, int out_size, const Kernel& kernel) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  std::vector<Taps> all(static_cast<size_t>(out_size));
  for (int out = 0; out < out_size; ++out) {
    const double center = (out + 0.5) * scale;
    Taps& taps = all[static_cast<size_t>(out)];
    taps.first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end = std::min(static_cast<int>(center + support + 0.5), in_size);
    std::vector<double> weights;
    double sum = 0;
    for (int in = taps.first; in < end; ++in) {
      weights.push_back(kernel.weight((in - center + 0.5) * (1 / stretch)));
      sum += weights.back();
    }
    for (double weight : weights) {
      if (sum != 0) weight /= sum;
      weight *= 1 << kPrecision;
      taps.weights.push_back(static_cast<int>(weight < 0 ? weight - 0.5 : weight + 0.5));
    }
  }
  return all;
}

uchar Clip(int sum) { return static_cast<uchar>(std::clamp(sum >> kPrecision, 0, 255)); }

// One pixel from pixels that lie `stride` bytes apart.
void Apply(const Taps& taps, const uchar* input, std::ptrdiff_t stride, uchar* output) {
  int sums[kChannels];
  std::fill_n(sums, kChannels, 1 << (kPrecision - 1));
  const uchar* pixel = input + taps.first * stride;
  for (const int weight : taps.weights) {
    for (int channel = 0; channel < kChannels; ++channel) sums[channel] += pixel[channel] * weight;
    pixel += stride;
  }
  for (int channel = 0; channel < kChannels; ++channel) output[channel] = Clip(sums[channel]);
}

cv::Mat ResizeRows(const cv::Mat& image, int width, const Kernel& kernel) {
  const std::vector<Taps> taps = MakeTaps(image.cols, width, kernel);
  cv::Mat result(image.rows, width, CV_8UC3);
  for (int y = 0; y < image.rows; ++y) {
    uchar* output = result.ptr(y);
    for (const Taps& pixel : taps) {
      Apply(pixel, image.ptr(y), kChannels, output);
      output += kChannels;
    }
  }
  return result;
}

cv::Mat ResizeColumns(const cv::Mat& image, int height, const Kernel& kernel) {
  const std::vector<Taps> taps = MakeTaps(image.rows, height, kernel);
  const auto stride = static_cast<std::ptrdiff_t>(image.step[0]);
  cv::Mat result(height, image.cols, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    uchar* output = result.ptr(y);
    for (int x = 0; x < image.cols; ++x, output += kChannels) {
      Apply(taps[static_cast<size_t>(y)], image.ptr(0) + x * kChannels, stride, output);
    }
  }
  return result;
}

}  // namespace

bool IsPillow(Filter filter) {
  return filter == Filter::kPillowBilinear || filter == Filter::kPillowBicubic ||
         filter == Filter::kPillowLanczos;
}

cv::Mat PillowResize(const cv::Mat& image, cv::Size size, Filter filter) {
  const Kernel kernel = KernelOf(filter);
  const bool across = size.width != image.cols, down = size.height != image.rows;
  const auto rows = [&](const cv::Mat& m) {
    return across ? ResizeRows(m, size.width, kernel) : m;
  };
  const auto columns = [&](const cv::Mat& m) {
    return down ? ResizeColumns(m, size.height, kernel) : m;
  };
  // The order shows, because the image is rounded to 8 bits in between. Since Pillow 13 the height
  // comes first where it is reduced much more than the width; before, the width always did.
  const int less_height = image.rows - size.height, less_width = image.cols - size.width;
  const bool height_first = less_height > 0 && less_height > 2 * less_width;
  const cv::Mat result = height_first ? rows(columns(image)) : columns(rows(image));
  return across || down ? result : result.clone();
}

}  // namespace depth
