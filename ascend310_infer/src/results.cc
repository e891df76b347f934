#include "results.h"

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <system_error>
#include <utility>

#include "camera.h"
#include "depth_map.h"
#include "error.h"
#include "flow.h"

namespace depth {
namespace fs = std::filesystem;
namespace {

void MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder)) {
    throw InputError(folder.string() + ": cannot be made a folder (" +
                     (error ? error.message() : "it is a file") + ")");
  }
}

// The last two axes are the map; the others must be 1.
cv::Mat AsMap(Tensor tensor) {
  const size_t rank = tensor.shape.size();
  const bool valid =
      rank >= 2 &&
      static_cast<size_t>(tensor.shape[rank - 2] * tensor.shape[rank - 1]) == tensor.values.size();
  if (!valid) {
    throw InputError("output " + tensor.name + " is " + ToString(tensor.shape) +
                     ", not a map; leave --formats at bin");
  }
  return cv::Mat(static_cast<int>(tensor.shape[rank - 2]), static_cast<int>(tensor.shape[rank - 1]),
                 CV_32F, tensor.values.data())
      .clone();
}

void WritePng(const fs::path& path, const cv::Mat& image) {
  std::vector<unsigned char> bytes;
  if (!cv::imencode(".png", image, bytes)) throw std::runtime_error(path.string() + ": no PNG");
  WriteAtomic(path, bytes.data(), bytes.size());
}

// By the names of --formats.
std::vector<std::string> Asked(const Formats& formats) {
  std::vector<std::string> names;
  const std::pair<bool, const char*> all[] = {{formats.png, "png"},     {formats.pfm, "pfm"},
                                              {formats.color, "color"}, {formats.ply, "ply"},
                                              {formats.flo, "flo"},     {formats.tum, "tum"}};
  for (const auto& [asked, name] : all) {
    if (asked) names.emplace_back(name);
  }
  return names;
}

struct Kind {
  const char* name;
  std::vector<std::string> formats;  // besides bin
};

Kind KindOf(Meaning meaning) {
  switch (meaning) {
    case Meaning::kFlow:
      return {"flow", {"png", "color", "flo"}};
    case Meaning::kPose:
      return {"poses", {"tum"}};
    case Meaning::kOther:
      return {"no depth, flow or pose", {}};
    default:
      return {"depth", {"png", "pfm", "color", "ply"}};
  }
}

// Plane k of [1, 2, H, W].
cv::Mat PlaneOf(const Tensor& tensor, size_t k) {
  const Shape& shape = tensor.shape;
  if (shape.size() != 4 || shape[1] != 2 ||
      tensor.values.size() != static_cast<size_t>(2 * shape[2] * shape[3])) {
    throw InputError("output " + tensor.name + " is " + ToString(shape) + ", which is no flow");
  }
  const size_t plane = tensor.values.size() / 2;
  auto* values = const_cast<float*>(tensor.values.data()) + k * plane;
  return cv::Mat(static_cast<int>(shape[2]), static_cast<int>(shape[3]), CV_32F, values);
}

}  // namespace

ResultWriter::ResultWriter(fs::path folder, const ResultOptions& options, const Sidecar& sidecar)
    : folder_(std::move(folder)),
      formats_(options.formats),
      output_(sidecar.outputs.front()),
      camera_(options.intrinsics ? options.intrinsics : sidecar.intrinsics) {
  if (options.metric_scale) output_.metric_scale = options.metric_scale;
  CheckFormats(sidecar);
  MakeFolder(folder_);
}

void ResultWriter::CheckFormats(const Sidecar& sidecar) const {
  const std::string what = sidecar.path.string() + ": output " + output_.name;
  const Kind kind = KindOf(output_.meaning);
  std::string possible = "bin";
  for (const std::string& name : kind.formats) possible += "," + name;
  for (const std::string& name : Asked(formats_)) {
    if (std::find(kind.formats.begin(), kind.formats.end(), name) != kind.formats.end()) continue;
    throw InputError(what + " is " + kind.name + ", so only --formats " + possible +
                     " can be written, not " + name);
  }
  if (!formats_.ply) return;
  if (!camera_) {
    throw InputError(what + ": --formats ply needs the camera; give it with --intrinsics FILE");
  }
  if (output_.meaning == Meaning::kInverseDepth && !output_.metric_scale) {
    throw InputError(what +
                     " is known up to scale and shift, which gives no points; give "
                     "--metric_scale if metres are that number divided by it");
  }
}

void ResultWriter::Write(const Result& result) {
  const std::string stem = (folder_ / result.file.stem).string();
  if (result.file.stem.has_parent_path()) MakeFolder(fs::path(stem).parent_path());
  if (formats_.bin) {
    for (size_t k = 0; k < result.outputs.size(); ++k) {
      const std::vector<float>& values = result.outputs[k].values;
      WriteAtomic(stem + "_" + std::to_string(k) + ".bin", values.data(),
                  values.size() * sizeof(float));
    }
  }
  if (Asked(formats_).empty()) return;
  switch (output_.meaning) {
    case Meaning::kFlow:
      return WriteFlow(stem, result);
    case Meaning::kPose:
      return AddPoses(result);
    default:
      return WriteMap(stem, result);
  }
}

void ResultWriter::WriteMap(const std::string& stem, const Result& result) const {
  const Meaning meaning = output_.meaning;
  const cv::Mat map = Restore(AsMap(result.outputs.front()), meaning, result.geometry);
  const bool metric = IsMetric(meaning) || output_.metric_scale;
  cv::Mat depth;
  if (formats_.ply || (formats_.png && metric)) {
    depth = ToDepth(map, meaning, output_.metric_scale.value_or(1));
  }
  if (formats_.png) {
    WritePng(stem + ".png",
             metric ? MetricPng16(depth, output_.levels_per_metre) : RelativePng16(map));
  }
  if (formats_.pfm) WriteAtomic(stem + ".pfm", EncodePfm(map));
  if (formats_.color) WritePng(stem + "_color.png", ToColor(map, meaning));
  if (!formats_.ply) return;
  if (result.photo.empty()) {
    throw InputError(result.file.path.string() + ": --formats ply needs the image, not a .bin");
  }
  WriteAtomic(stem + ".ply", EncodePly(depth, result.photo, *camera_));
}

void ResultWriter::WriteFlow(const std::string& stem, const Result& result) const {
  const Tensor& output = result.outputs.front();
  const cv::Mat flow = RestoreFlow(PlaneOf(output, 0), PlaneOf(output, 1), result.geometry);
  if (formats_.flo) WriteAtomic(stem + ".flo", EncodeFlo(flow));
  if (formats_.png) WritePng(stem + ".png", ToKittiPng(flow));
  if (formats_.color) WritePng(stem + "_color.png", ToFlowColor(flow));
}

void ResultWriter::AddPoses(const Result& result) {
  const std::vector<PosePair>& pairs = output_.pose.pairs;
  const Tensor& output = result.outputs.front();
  if (output.values.size() != 6 * pairs.size()) {
    throw InputError("output " + output.name + " is " + ToString(output.shape) + ", but " +
                     std::to_string(pairs.size()) + " poses have 6 numbers each");
  }
  const auto position = static_cast<int64_t>(result.position);
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& [folder, path] = paths_[result.sequence];
  folder = (folder_ / result.file.stem).parent_path();
  for (size_t k = 0; k < pairs.size(); ++k) {
    path.Add(
        position + pairs[k].from, position + pairs[k].to, k,
        PoseMatrix(output_.pose, output.values.data() + 6 * k, output_.metric_scale.value_or(1)));
  }
}

std::vector<std::string> ResultWriter::Finish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::map<fs::path, std::vector<std::string>> texts;
  for (const auto& [sequence, place] : paths_) {
    auto& pieces = texts[place.first];
    for (std::string& text : place.second.Texts()) pieces.push_back(std::move(text));
  }
  std::vector<std::string> said;
  for (const auto& [folder, pieces] : texts) {
    for (size_t k = 0; k < pieces.size(); ++k) {
      const std::string number = k == 0 ? "" : "_" + std::to_string(k);
      WriteAtomic(folder / ("trajectory" + number + ".txt"), pieces[k]);
    }
    if (pieces.size() > 1) {
      said.push_back(folder.string() + ": the path is in " + std::to_string(pieces.size()) +
                     " pieces, each from its own first camera: frames are missing in between");
    }
  }
  return said;
}

std::vector<Tensor> Slice(const std::vector<Tensor>& outputs, size_t k, size_t batch) {
  std::vector<Tensor> slices;
  for (const Tensor& output : outputs) {
    if (output.shape.empty() || output.shape[0] != static_cast<int64_t>(batch)) {
      throw InputError("output " + output.name + " is " + ToString(output.shape) + " for " +
                       std::to_string(batch) + " images; its first axis must count images");
    }
    const auto count = static_cast<std::ptrdiff_t>(output.values.size() / batch);
    const auto begin = output.values.begin() + static_cast<std::ptrdiff_t>(k) * count;
    slices.push_back({output.name, output.shape, {begin, begin + count}});
    slices.back().shape[0] = 1;
  }
  return slices;
}

}  // namespace depth
