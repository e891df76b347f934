#include "sidecar.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "error.h"

namespace depth {
namespace {

using Json = nlohmann::json;

// One JSON object together with where it is, so that every complaint can name both.
class Reader {
 public:
  Reader(const Json& object, std::string file, std::string where)
      : object_(object), file_(std::move(file)), where_(std::move(where)) {
    if (!object_.is_object()) {
      Fail(where_.empty() ? "the file" : where_, "is not an object");
    }
  }

  [[noreturn]] void Fail(const std::string& key, const std::string& problem) const {
    throw InputError(file_ + ": " + key + " " + problem +
                     "; export the model again to write a sidecar that fits");
  }

  std::string Key(const std::string& key) const {
    return where_.empty() ? key : where_ + "." + key;
  }

  bool IsNull(const std::string& key) const { return At(key).is_null(); }

  template <class T>
  T Get(const std::string& key, const char* kind) const {
    const Json& value = At(key);
    try {
      return value.get<T>();
    } catch (const Json::exception&) {
      Fail(Key(key), "is " + value.dump() + ", expected " + kind);
    }
  }

  int Int(const std::string& key, int least) const {
    const Json& value = At(key);
    // 32768 is more than any camera gives and keeps every product of two sides inside an int.
    if (!value.is_number_integer() || value.get<int64_t>() < least ||
        value.get<int64_t>() > 32768) {
      Fail(Key(key), "is " + value.dump() + ", expected an integer from " + std::to_string(least) +
                         " to 32768");
    }
    return value.get<int>();
  }

  template <class T>
  T Choice(const std::string& key, const std::map<std::string, T>& choices) const {
    const auto found = choices.find(Get<std::string>(key, "a string"));
    if (found == choices.end()) {
      std::string allowed;
      for (const auto& choice : choices) allowed += (allowed.empty() ? "" : ", ") + choice.first;
      Fail(Key(key), "is " + At(key).dump() + ", expected one of " + allowed);
    }
    return found->second;
  }

  Reader Object(const std::string& key) const { return Reader(At(key), file_, Key(key)); }

  std::vector<Reader> Objects(const std::string& key) const {
    const Json& list = At(key);
    if (!list.is_array() || list.empty()) Fail(Key(key), "is not a list of at least one object");
    std::vector<Reader> readers;
    for (size_t i = 0; i < list.size(); ++i) {
      readers.emplace_back(list[i], file_, Key(key) + "[" + std::to_string(i) + "]");
    }
    return readers;
  }

 private:
  const Json& At(const std::string& key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) Fail(Key(key), "is missing");
    return *found;
  }

  const Json& object_;
  std::string file_, where_;
};

Shape ReadShape(const Reader& reader) {
  const auto shape = reader.Get<Shape>("shape", "a list of integers");
  const bool valid = !shape.empty() && shape.size() <= 8 &&
                     std::all_of(shape.begin(), shape.end(),
                                 [](int64_t n) { return n == -1 || (n > 0 && n <= 32768); });
  if (!valid)
    reader.Fail(reader.Key("shape"), "is " + ToString(shape) + ", expected 1..32768 or -1");
  return shape;
}

InputSpec ReadInput(const Reader& reader) {
  InputSpec input;
  input.name = reader.Get<std::string>("name", "a string");
  input.shape = ReadShape(reader);
  reader.Choice<int>("dtype", {{"float32", 0}});
  reader.Choice<int>("layout", {{"NCHW", 0}});
  input.source = reader.Choice<Source>(
      "source", {{"image", Source::kImage}, {"previous_output", Source::kPreviousOutput}});
  if (input.source == Source::kImage && (input.shape.size() != 4 || input.shape[1] != 3)) {
    reader.Fail(reader.Key("shape"),
                "is " + ToString(input.shape) + ", an image needs [N, 3, H, W]");
  }
  return input;
}

OutputSpec ReadOutput(const Reader& reader) {
  OutputSpec output;
  output.name = reader.Get<std::string>("name", "a string");
  output.shape = ReadShape(reader);
  reader.Choice<int>("dtype", {{"float32", 0}});
  const std::map<std::string, Meaning> known = {{"log_depth", Meaning::kLogDepth},
                                                {"depth", Meaning::kDepth},
                                                {"inverse_depth", Meaning::kInverseDepth},
                                                {"disparity", Meaning::kDisparity}};
  // Networks may have outputs besides depth (a confidence, a flow): those are written as they are.
  const auto found = known.find(reader.Get<std::string>("meaning", "a string"));
  output.meaning = found == known.end() ? Meaning::kOther : found->second;
  return output;
}

CropSpec ReadCrop(const Reader& reader) {
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

ResizeSpec ReadResize(const Reader& reader) {
  ResizeSpec resize;
  resize.height = reader.Int("height", 1);
  resize.width = reader.Int("width", 1);
  resize.cubic = reader.Choice<bool>("interpolation", {{"bilinear", false}, {"bicubic", true}});
  resize.keep_aspect_ratio = reader.Get<bool>("keep_aspect_ratio", "true or false");
  resize.multiple_of = reader.Int("multiple_of", 1);
  resize.method = reader.Choice<ResizeMethod>("method", {{"exact", ResizeMethod::kExact},
                                                         {"upper_bound", ResizeMethod::kUpperBound},
                                                         {"lower_bound", ResizeMethod::kLowerBound},
                                                         {"minimal", ResizeMethod::kMinimal}});
  return resize;
}

ImageSpec ReadImage(const Reader& reader) {
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

Sidecar ParseSidecar(const std::string& text, const std::filesystem::path& path) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    throw InputError(path.string() + ": not readable as JSON (" + error.what() + ")");
  }
  const Reader root(json, path.string(), "");
  if (root.Int("format", 0) != 1) {
    root.Fail("format", "is " + json["format"].dump() + ", this program reads format 1");
  }
  Sidecar sidecar;
  sidecar.path = path;
  sidecar.model = root.Get<std::string>("model", "a string");
  sidecar.graph = root.Get<std::string>("graph", "a string");
  for (const Reader& input : root.Objects("inputs")) sidecar.inputs.push_back(ReadInput(input));
  for (const Reader& output : root.Objects("outputs"))
    sidecar.outputs.push_back(ReadOutput(output));
  sidecar.image = ReadImage(root.Object("image"));
  const auto images = std::count_if(sidecar.inputs.begin(), sidecar.inputs.end(),
                                    [](const auto& in) { return in.source == Source::kImage; });
  if (images != 1) {
    root.Fail("inputs", "has " + std::to_string(images) + " image inputs, expected one");
  }
  return sidecar;
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
