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

enum class Source { kImage, kPreviousOutput, kIntrinsics, kInverseIntrinsics };

struct InputSpec {
  std::string name;
  Shape shape;  // NCHW; of intrinsics [N, 3, 3]
  Source source = Source::kImage;
  int frame = 0;       // of an image: offset in its sequence from the image that names the result
  std::string output;  // of a previous output: its name; empty: the first of the graph before
};

enum class Meaning { kLogDepth, kDepth, kInverseDepth, kDisparity, kFlow, kPose, kOther };

// How six numbers become the matrix that takes points (x right, y down, z forward) from the camera
// of frame `from` to that of frame `to`: x_to = R x_from + t.
struct PosePair {
  int from = 0, to = 0;
};
struct PoseSpec {
  bool euler = false;              // R = Rx Ry Rz of three angles; else an axis times its angle
  bool translation_first = false;  // else the rotation comes first
  std::vector<PosePair> pairs;     // what each vector of six belongs to
};

struct OutputSpec {
  std::string name;
  Shape shape;
  Meaning meaning = Meaning::kOther;
  // metres = metric_scale / value of a disparity or inverse depth, metric_scale * value of a depth
  // or a translation. Without it depths are metres already, and disparities relative.
  std::optional<double> metric_scale;
  double levels_per_metre = 1000;  // of the 16-bit PNG
  PoseSpec pose;
};

// A pinhole camera: u = fx x / z + cx with the centre of the top left pixel at 0.
struct Intrinsics {
  double fx = 1, fy = 1, cx = 0, cy = 0;
  int width = 0, height = 0;  // of the images that it holds for
};

// A window given for images of reference_height x reference_width; it scales with other sizes.
struct CropSpec {
  int reference_height = 0, reference_width = 0;
  int top = 0, left = 0, height = 0, width = 0;
};

enum class ResizeMethod { kExact, kUpperBound, kLowerBound, kMinimal };

// OpenCV's on float32, or Pillow's on 8 bits, which averages when it makes images smaller.
enum class Filter { kBilinear, kBicubic, kPillowBilinear, kPillowBicubic, kPillowLanczos };

struct ResizeSpec {
  int height = 0, width = 0;
  Filter filter = Filter::kBilinear;
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
  std::optional<Intrinsics> intrinsics;

  // The first input that takes an image; all others have its height and width.
  const InputSpec& ImageInput() const;
};

// The sidecar of a model: the same path with the ending .json.
std::filesystem::path SidecarPath(const std::filesystem::path& mindir);

// Throws InputError that names the file, the key, what it holds and what is allowed.
Sidecar LoadSidecar(const std::filesystem::path& path);
Sidecar ParseSidecar(const std::string& text, const std::filesystem::path& path);

// The camera of a file with fx, fy, cx, cy, width and height.
Intrinsics LoadIntrinsics(const std::filesystem::path& path);

// "[1, 3, 228, 304]", with "?" for a dynamic axis.
std::string ToString(const Shape& shape);

// True when every axis is equal or dynamic on one side.
bool Compatible(const Shape& a, const Shape& b);

}  // namespace depth

#endif  // DEPTH_INFER_SIDECAR_H_
