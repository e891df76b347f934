#include "image.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string_view>

#include "error.h"
#include "files.h"
#include "pillow_resize.h"

namespace depth {
namespace {

constexpr double kNoLimit = 1e9;

int Scaled(int value, int size, int reference) {
  return static_cast<int>(std::floor(static_cast<double>(value) * size / reference + 0.5));
}

// One side: a multiple that is nearest (half to even, as numpy rounds) and keeps within the bounds.
int Constrain(double side, int multiple, double least, double most) {
  double result = std::nearbyint(side / multiple) * multiple;
  if (result > most) result = std::floor(side / multiple) * multiple;
  if (result < least) result = std::ceil(side / multiple) * multiple;
  return static_cast<int>(result);
}

std::string_view View(const std::vector<unsigned char>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A JPEG is complete when an end marker follows its last scan, a PNG when it has its last chunk.
bool IsCutOff(const std::vector<unsigned char>& bytes) {
  using std::string_view_literals::operator""sv;
  const std::string_view data = View(bytes);
  if (data.substr(0, 3) == "\xff\xd8\xff"sv) {
    const size_t scan = data.rfind("\xff\xda"sv), end = data.rfind("\xff\xd9"sv);
    return scan == data.npos || end == data.npos || end < scan;
  }
  if (data.substr(0, 8) == "\x89PNG\r\n\x1a\n"sv)
    return data.rfind("IEND\xae\x42\x60\x82"sv) == data.npos;
  return false;
}

// Float32 times the scale. OpenCV resizes those values, Pillow the 8-bit pixels before.
cv::Mat Resize(const cv::Mat& bgr, cv::Size size, const ImageSpec& spec) {
  const Filter filter = spec.resize.filter;
  cv::Mat pixels, resized;
  if (IsPillow(filter)) {
    PillowResize(bgr, size, filter).convertTo(resized, CV_32F, spec.scale);
    return resized;
  }
  bgr.convertTo(pixels, CV_32F, spec.scale);
  const int method = filter == Filter::kBicubic ? cv::INTER_CUBIC : cv::INTER_LINEAR;
  cv::resize(pixels, resized, size, 0, 0, method);
  return resized;
}

}  // namespace

cv::Rect CropWindow(const std::optional<CropSpec>& crop, cv::Size photo) {
  if (!crop) return {0, 0, photo.width, photo.height};
  const int top = Scaled(crop->top, photo.height, crop->reference_height);
  const int left = Scaled(crop->left, photo.width, crop->reference_width);
  const int height = Scaled(crop->height, photo.height, crop->reference_height);
  const int width = Scaled(crop->width, photo.width, crop->reference_width);
  // Rounding may push the far edge one pixel out, and leave nothing of a tiny photo.
  return cv::Rect(left, top, std::max(width, 1), std::max(height, 1)) &
         cv::Rect(0, 0, photo.width, photo.height);
}

cv::Size ResizedSize(const ResizeSpec& resize, cv::Size photo) {
  if (resize.method == ResizeMethod::kExact) return {resize.width, resize.height};
  double scale_y = static_cast<double>(resize.height) / photo.height;
  double scale_x = static_cast<double>(resize.width) / photo.width;
  if (resize.keep_aspect_ratio) {
    bool by_x = false;  // the width decides
    if (resize.method == ResizeMethod::kLowerBound) by_x = scale_x > scale_y;
    if (resize.method == ResizeMethod::kUpperBound) by_x = scale_x < scale_y;
    if (resize.method == ResizeMethod::kMinimal) {
      by_x = std::abs(1 - scale_x) < std::abs(1 - scale_y);
    }
    scale_x = scale_y = by_x ? scale_x : scale_y;
  }
  const bool lower = resize.method == ResizeMethod::kLowerBound;
  const bool upper = resize.method == ResizeMethod::kUpperBound;
  const auto side = [&](double scale, int size, int target) {
    return Constrain(scale * size, resize.multiple_of, lower ? target : 0,
                     upper ? target : kNoLimit);
  };
  return {side(scale_x, photo.width, resize.width), side(scale_y, photo.height, resize.height)};
}

cv::Mat ReadBgr(const std::filesystem::path& path) {
  const std::vector<unsigned char> bytes = ReadBytes(path);
  if (bytes.empty()) throw InputError(path.string() + ": the file is empty");
  if (IsCutOff(bytes)) throw InputError(path.string() + ": the image is cut off");
  cv::Mat bgr;
  try {
    bgr = cv::imdecode(bytes, cv::IMREAD_COLOR);
  } catch (const cv::Exception& error) {
    throw InputError(path.string() + ": not readable as an image (" + error.err + ")");
  }
  if (bgr.empty()) throw InputError(path.string() + ": not readable as an image");
  return bgr;
}

Prepared PrepareImage(const cv::Mat& bgr, const ImageSpec& spec) {
  Prepared prepared;
  prepared.geometry = {bgr.size(), CropWindow(spec.crop, bgr.size())};
  const cv::Size size = ResizedSize(spec.resize, prepared.geometry.crop.size());
  if (size.area() == 0) throw InputError("too small for the network's input size");
  prepared.height = size.height;
  prepared.width = size.width;
  const cv::Mat resized = Resize(bgr(prepared.geometry.crop), size, spec);
  const size_t plane = static_cast<size_t>(size.area());
  prepared.values.resize(3 * plane);
  for (int channel = 0; channel < 3; ++channel) {
    cv::Mat target(size, CV_32F, prepared.values.data() + plane * static_cast<size_t>(channel));
    cv::extractChannel(resized, target, spec.rgb ? 2 - channel : channel);
    const auto index = static_cast<size_t>(channel);
    if (spec.mean[index] != 0 || spec.std[index] != 1) {
      target.convertTo(target, CV_32F, 1 / spec.std[index], -spec.mean[index] / spec.std[index]);
    }
  }
  return prepared;
}

Prepared LoadImage(const std::filesystem::path& path, const Sidecar& sidecar, bool keep_photo) {
  const InputSpec& input = sidecar.ImageInput();
  const cv::Mat bgr = ReadBgr(path);
  Prepared prepared;
  try {
    prepared = PrepareImage(bgr, sidecar.image);
  } catch (const InputError& error) {
    throw InputError(path.string() + ": " + error.what());
  }
  const Shape shape = {-1, 3, prepared.height, prepared.width};
  if (!Compatible(shape, input.shape)) {
    throw InputError(path.string() + ": " + std::to_string(bgr.cols) + "x" +
                     std::to_string(bgr.rows) + " pixels become " + ToString(shape) + ", but " +
                     input.name + " of " + sidecar.path.string() + " is " + ToString(input.shape));
  }
  if (keep_photo) prepared.photo = bgr;
  return prepared;
}

std::vector<float> ReadTensor(const std::filesystem::path& path, const std::string& name,
                              const Shape& shape) {
  size_t count = 1;
  for (size_t i = 1; i < shape.size(); ++i) {
    if (shape[i] < 0) {
      throw InputError(path.string() + ": a .bin file has no size of its own, but " + name +
                       " is " + ToString(shape) + "; give images instead");
    }
    count *= static_cast<size_t>(shape[i]);
  }
  const std::vector<unsigned char> bytes = ReadBytes(path);
  if (bytes.size() != count * sizeof(float)) {
    throw InputError(path.string() + ": holds " + std::to_string(bytes.size()) + " bytes, " + name +
                     " " + ToString(shape) + " takes " + std::to_string(count * sizeof(float)) +
                     " (float32)");
  }
  std::vector<float> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace depth
