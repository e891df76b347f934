#include "results.h"

#include <opencv2/imgcodecs.hpp>
#include <system_error>
#include <utility>

#include "depth_map.h"
#include "error.h"

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

}  // namespace

ResultWriter::ResultWriter(fs::path folder, Formats formats, const Sidecar& sidecar)
    : folder_(std::move(folder)), formats_(formats), meaning_(sidecar.outputs.front().meaning) {
  if (meaning_ == Meaning::kOther && (formats_.png || formats_.pfm || formats_.color)) {
    throw InputError(sidecar.path.string() + ": output " + sidecar.outputs.front().name +
                     " is no depth, so only --formats bin can be written");
  }
  MakeFolder(folder_);
}

void ResultWriter::Write(const Result& result) const {
  const std::string stem = (folder_ / result.file.stem).string();
  if (result.file.stem.has_parent_path()) MakeFolder(fs::path(stem).parent_path());
  if (formats_.bin) {
    for (size_t k = 0; k < result.outputs.size(); ++k) {
      const std::vector<float>& values = result.outputs[k].values;
      WriteAtomic(stem + "_" + std::to_string(k) + ".bin", values.data(),
                  values.size() * sizeof(float));
    }
  }
  if (!formats_.png && !formats_.pfm && !formats_.color) return;
  const cv::Mat map = Restore(AsMap(result.outputs.front()), meaning_, result.geometry);
  if (formats_.png) WritePng(stem + ".png", ToPng16(map, meaning_));
  if (formats_.pfm) WriteAtomic(stem + ".pfm", EncodePfm(map));
  if (formats_.color) WritePng(stem + "_color.png", ToColor(map, meaning_));
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
