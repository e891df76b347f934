// The files that are left for one sample, and for all of them.
#ifndef DEPTH_INFER_RESULTS_H_
#define DEPTH_INFER_RESULTS_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "files.h"
#include "image.h"
#include "network.h"
#include "sidecar.h"
#include "trajectory.h"

namespace depth {

struct Formats {
  bool bin = true, png = false, pfm = false, color = false, ply = false, flo = false, tum = false;
};

struct ResultOptions {
  Formats formats;
  std::optional<double> metric_scale;    // before the sidecar's
  std::optional<Intrinsics> intrinsics;  // before the sidecar's
};

struct Result {
  InputFile file;
  size_t sequence = 0, position = 0;
  Geometry geometry;
  cv::Mat photo;                // for ply
  std::vector<Tensor> outputs;  // of this sample alone: first axis 1
};

class ResultWriter {
 public:
  // Makes the folder. Throws InputError when that fails, or a format is asked for that the first
  // output cannot give.
  ResultWriter(std::filesystem::path folder, const ResultOptions& options, const Sidecar& sidecar);

  // <stem>_<k>.bin for output k; what the other formats write shows output 0:
  // <stem>.png, <stem>.pfm, <stem>_color.png, <stem>.ply, <stem>.flo.
  void Write(const Result& result);

  // Once, after the last result: the trajectory.txt of every folder. Returns what there is to say.
  std::vector<std::string> Finish();

  bool NeedsPhoto() const { return formats_.ply; }
  const std::optional<Intrinsics>& Camera() const { return camera_; }

 private:
  void CheckFormats(const Sidecar& sidecar) const;
  void WriteMap(const std::string& stem, const Result& result) const;
  void WriteFlow(const std::string& stem, const Result& result) const;
  void AddPoses(const Result& result);

  std::filesystem::path folder_;
  Formats formats_;
  OutputSpec output_;
  std::optional<Intrinsics> camera_;
  std::mutex mutex_;                                                // of what follows
  std::map<size_t, std::pair<std::filesystem::path, Path>> paths_;  // folder and path by sequence
};

// The k-th sample's share of outputs that hold a whole batch.
std::vector<Tensor> Slice(const std::vector<Tensor>& outputs, size_t k, size_t batch);

}  // namespace depth

#endif  // DEPTH_INFER_RESULTS_H_
