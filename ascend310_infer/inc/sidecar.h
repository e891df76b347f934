// The .json beside a .mindir: everything in which one exported model differs from another.
#ifndef DEPTH_INFER_SIDECAR_H_
#define DEPTH_INFER_SIDECAR_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace depth {

using Shape = std::vector<int64_t>;  // -1: dynamic

enum class Source { kImage, kPreviousOutput };

struct InputSpec {
  std::string name;
  Shape shape;  // NCHW
  Source source = Source::kImage;
};

enum class Meaning { kLogDepth, kDepth, kInverseDepth, kDisparity, kOther };

struct OutputSpec {
  std::string name;
  Shape shape;
  Meaning meaning = Meaning::kOther;
};

// A window given for images of reference_height x reference_width; it scales with other sizes.
struct CropSpec {
  int reference_height = 0, reference_width = 0;
  int top = 0, left = 0, height = 0, width = 0;
};

enum class ResizeMethod { kExact, kUpperBound, kLowerBound, kMinimal };

struct ResizeSpec {
  int height = 0, width = 0;
  bool cubic = false;
  bool keep_aspect_ratio = false;
  int multiple_of = 1;
  ResizeMethod method = ResizeMethod::kExact;
};

// value = (pixel * scale - mean) / std, channel by channel in the order of the network.
struct ImageSpec {
  bool rgb = true;
  std::optional<CropSpec> crop;
  ResizeSpec resize;
  double scale = 1.0;
  std::array<double, 3> mean = {0, 0, 0};
  std::array<double, 3> std = {1, 1, 1};
};

struct Sidecar {
  std::filesystem::path path;
  std::string model, graph;
  std::vector<InputSpec> inputs;
  ImageSpec image;
  std::vector<OutputSpec> outputs;

  // The input that takes the image; there is exactly one.
  const InputSpec& ImageInput() const;
};

// The sidecar of a model: the same path with the ending .json.
std::filesystem::path SidecarPath(const std::filesystem::path& mindir);

// Throws InputError that names the file, the key, what it holds and what is allowed.
Sidecar LoadSidecar(const std::filesystem::path& path);
Sidecar ParseSidecar(const std::string& text, const std::filesystem::path& path);

// "[1, 3, 228, 304]", with "?" for a dynamic axis.
std::string ToString(const Shape& shape);

// True when every axis is equal or dynamic on one side.
bool Compatible(const Shape& a, const Shape& b);

}  // namespace depth

#endif  // DEPTH_INFER_SIDECAR_H_
