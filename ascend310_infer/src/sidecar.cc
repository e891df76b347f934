#include "sidecar.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "error.h"
#include "files.h"
#include "json_reader.h"

namespace depth {
namespace {

constexpr char kExportAgain[] = "export the model again to write a sidecar that fits";
constexpr int kFarthestFrame = 16;

Shape ReadShape(const JsonReader& reader) {
  const auto shape = reader.Get<Shape>("shape", "a list of integers");
  const bool valid = !shape.empty() && shape.size() <= 8 &&
                     std::all_of(shape.begin(), shape.end(),
                                 [](int64_t n) { return n == -1 || (n > 0 && n <= 32768); });
  if (!valid)
    reader.Fail(reader.Key("shape"), "is " + ToString(shape) + ", expected 1..32768 or -1");
  return shape;
}

bool HasTwoSides(const Shape& shape, int64_t channels) {
  return shape.size() == 4 && shape[1] == channels;
}

InputSpec ReadInput(const JsonReader& reader) {
  InputSpec input;
  input.name = reader.Get<std::string>("name", "a string");
  input.shape = ReadShape(reader);
  reader.Choice<int>("dtype", {{"float32", 0}});
  reader.Choice<int>("layout", {{"NCHW", 0}});
  input.source =
      reader.Choice<Source>("source", {{"image", Source::kImage},
                                       {"previous_output", Source::kPreviousOutput},
                                       {"intrinsics", Source::kIntrinsics},
                                       {"inverse_intrinsics", Source::kInverseIntrinsics}});
  const std::string shape = "is " + ToString(input.shape);
  switch (input.source) {
    case Source::kImage:
      if (reader.Has("frame")) input.frame = reader.Int("frame", -kFarthestFrame, kFarthestFrame);
      if (!HasTwoSides(input.shape, 3)) {
        reader.Fail(reader.Key("shape"), shape + ", an image needs [N, 3, H, W]");
      }
      break;
    case Source::kPreviousOutput:
      if (reader.Has("output")) input.output = reader.Get<std::string>("output", "a string");
      break;
    default:
      if (!Compatible(input.shape, {-1, 3, 3})) {
        reader.Fail(reader.Key("shape"), shape + ", intrinsics need [N, 3, 3]");
      }
  }
  return input;
}

PoseSpec ReadPose(const JsonReader& reader) {
  PoseSpec pose;
  pose.euler = reader.Choice<bool>("rotation", {{"axis_angle", false}, {"euler_xyz", true}});
  pose.translation_first = reader.Choice<bool>(
      "layout", {{"rotation_translation", false}, {"translation_rotation", true}});
  const auto pairs =
      reader.Get<std::vector<std::array<int, 2>>>("pairs", "a list of [from, to] frames");
  for (const auto& pair : pairs) {
    if (std::max(std::abs(pair[0]), std::abs(pair[1])) > kFarthestFrame || pair[0] == pair[1]) {
      reader.Fail(reader.Key("pairs"), "holds a pair that is no two frames of a sequence");
    }
    pose.pairs.push_back({pair[0], pair[1]});
  }
  return pose;
}

// Every pair has six numbers.
void CheckPoseShape(const JsonReader& reader, const OutputSpec& output) {
  const Shape& shape = output.shape;
  const auto pairs = static_cast<int64_t>(output.pose.pairs.size());
  int64_t values = 1;
  for (size_t i = 1; i < shape.size(); ++i) values *= shape[i];
  if (shape.back() == 6 && pairs > 0 && values == 6 * pairs) return;
  reader.Fail(reader.Key("shape"), "is " + ToString(shape) + ", " + std::to_string(pairs) +
                                       " pairs of frames need [N, " + std::to_string(pairs) +
                                       ", 6]");
}

OutputSpec ReadOutput(const JsonReader& reader) {
  OutputSpec output;
  output.name = reader.Get<std::string>("name", "a string");
  output.shape = ReadShape(reader);
  reader.Choice<int>("dtype", {{"float32", 0}});
  const std::map<std::string, Meaning> known = {{"log_depth", Meaning::kLogDepth},
                                                {"depth", Meaning::kDepth},
                                                {"inverse_depth", Meaning::kInverseDepth},
                                                {"disparity", Meaning::kDisparity},
                                                {"flow", Meaning::kFlow},
                                                {"pose", Meaning::kPose}};
  // Networks may have other outputs (a confidence): those are written as they are.
  const auto found = known.find(reader.Get<std::string>("meaning", "a string"));
  output.meaning = found == known.end() ? Meaning::kOther : found->second;
  if (reader.Has("metric_scale")) output.metric_scale = reader.Positive("metric_scale");
  if (reader.Has("levels_per_metre")) output.levels_per_metre = reader.Positive("levels_per_metre");
  if (output.meaning == Meaning::kPose) {
    output.pose = ReadPose(reader.Object("pose"));
    CheckPoseShape(reader, output);
  }
  if (output.meaning == Meaning::kFlow && !HasTwoSides(output.shape, 2)) {
    reader.Fail(reader.Key("shape"), "is " + ToString(output.shape) + ", flow needs [N, 2, H, W]");
  }
  return output;
}

Intrinsics ReadIntrinsics(const JsonReader& reader) {
  Intrinsics camera;
  camera.fx = reader.Positive("fx");
  camera.fy = reader.Positive("fy");
  camera.cx = reader.Finite("cx");
  camera.cy = reader.Finite("cy");
  camera.width = reader.Int("width", 1);
  camera.height = reader.Int("height", 1);
  return camera;
}

CropSpec ReadCrop(const JsonReader& reader) {
  CropSpec crop;
  const auto size = reader.Get<std::vector<int>>("reference_size", "[height, width]");
  if (size.size() != 2) reader.Fail(reader.Key("reference_size"), "is not [height, width]");
  crop.reference_height = size[0];
  crop.reference_width = size[1];
  crop.top = reader.Int("top", 0);
  crop.left = reader.Int("left", 0);
  crop.height = reader.Int("height", 1);
  crop.width = reader.Int("width", 1);
  if (crop.top + crop.height > crop.reference_height ||
      crop.left + crop.width > crop.reference_width) {
    reader.Fail(reader.Key("reference_size"), "is smaller than the window that is cut out of it");
  }
  return crop;
}

ResizeSpec ReadResize(const JsonReader& reader) {
  ResizeSpec resize;
  resize.height = reader.Int("height", 1);
  resize.width = reader.Int("width", 1);
  resize.filter =
      reader.Choice<Filter>("interpolation", {{"bilinear", Filter::kBilinear},
                                              {"bicubic", Filter::kBicubic},
                                              {"pillow_bilinear", Filter::kPillowBilinear},
                                              {"pillow_bicubic", Filter::kPillowBicubic},
                                              {"pillow_lanczos", Filter::kPillowLanczos}});
  resize.keep_aspect_ratio = reader.Get<bool>("keep_aspect_ratio", "true or false");
  resize.multiple_of = reader.Int("multiple_of", 1);
  resize.method = reader.Choice<ResizeMethod>("method", {{"exact", ResizeMethod::kExact},
                                                         {"upper_bound", ResizeMethod::kUpperBound},
                                                         {"lower_bound", ResizeMethod::kLowerBound},
                                                         {"minimal", ResizeMethod::kMinimal}});
  return resize;
}

ImageSpec ReadImage(const JsonReader& reader) {
  ImageSpec image;
  image.rgb = reader.Choice<bool>("color_order", {{"RGB", true}, {"BGR", false}});
  if (!reader.IsNull("crop")) image.crop = ReadCrop(reader.Object("crop"));
  image.resize = ReadResize(reader.Object("resize"));
  image.scale = reader.Get<double>("scale", "a number");
  image.mean = reader.Get<std::array<double, 3>>("mean", "three numbers");
  image.std = reader.Get<std::array<double, 3>>("std", "three numbers");
  if (std::any_of(image.std.begin(), image.std.end(), [](double v) { return !(v > 0); })) {
    reader.Fail(reader.Key("std"), "holds a value that is not above 0");
  }
  return image;
}

}  // namespace

const InputSpec& Sidecar::ImageInput() const {
  return *std::find_if(inputs.begin(), inputs.end(),
                       [](const InputSpec& input) { return input.source == Source::kImage; });
}

std::filesystem::path SidecarPath(const std::filesystem::path& mindir) {
  auto path = mindir;
  return path.replace_extension(".json");
}

Json ParseJson(const std::string& text, const std::filesystem::path& path) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw InputError(path.string() + ": not readable as JSON (" + error.what() + ")");
  }
}

Sidecar ParseSidecar(const std::string& text, const std::filesystem::path& path) {
  const Json json = ParseJson(text, path);
  const JsonReader root(json, path.string(), "", kExportAgain);
  if (root.Int("format", 0) != 1) {
    root.Fail("format", "is " + json["format"].dump() + ", this program reads format 1");
  }
  Sidecar sidecar;
  sidecar.path = path;
  sidecar.model = root.Get<std::string>("model", "a string");
  sidecar.graph = root.Get<std::string>("graph", "a string");
  for (const JsonReader& input : root.Objects("inputs")) sidecar.inputs.push_back(ReadInput(input));
  for (const JsonReader& output : root.Objects("outputs"))
    sidecar.outputs.push_back(ReadOutput(output));
  sidecar.image = ReadImage(root.Object("image"));
  if (root.Has("intrinsics")) sidecar.intrinsics = ReadIntrinsics(root.Object("intrinsics"));
  const InputSpec* first = nullptr;
  for (const InputSpec& input : sidecar.inputs) {
    if (input.source != Source::kImage) continue;
    if (first != nullptr && input.shape != first->shape) {
      root.Fail("inputs", "has images of two shapes, " + ToString(first->shape) + " and " +
                              ToString(input.shape));
    }
    first = first == nullptr ? &input : first;
  }
  if (first == nullptr) root.Fail("inputs", "has 0 image inputs, expected at least one");
  return sidecar;
}

Intrinsics LoadIntrinsics(const std::filesystem::path& path) {
  const std::vector<unsigned char> bytes = ReadBytes(path);
  const Json json = ParseJson({bytes.begin(), bytes.end()}, path);
  return ReadIntrinsics(
      JsonReader(json, path.string(), "", "expected fx, fy, cx, cy, width, height, all in pixels"));
}

Sidecar LoadSidecar(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !std::filesystem::is_regular_file(path)) {
    throw InputError(
        path.string() +
        ": no such file; export.py writes it beside the .mindir, keep the two together");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return ParseSidecar(text, path);
}

std::string ToString(const Shape& shape) {
  std::ostringstream text;
  text << "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text << (i ? ", " : "") << (shape[i] < 0 ? "?" : std::to_string(shape[i]));
  }
  text << "]";
  return text.str();
}

bool Compatible(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](int64_t x, int64_t y) { return x == y || x < 0 || y < 0; });
}

}  // namespace depth
