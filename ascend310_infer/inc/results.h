// The files that are left for one image.
#ifndef DEPTH_INFER_RESULTS_H_
#define DEPTH_INFER_RESULTS_H_

#include <filesystem>
#include <vector>

#include "files.h"
#include "image.h"
#include "network.h"
#include "sidecar.h"

namespace depth {

struct Formats {
  bool bin = true, png = false, pfm = false, color = false;
};

struct Result {
  InputFile file;
  Geometry geometry;
  std::vector<Tensor> outputs;  // of this image alone: first axis 1
};

class ResultWriter {
 public:
  // Makes the folder. Throws InputError when that fails, or a picture is asked of an output that is
  // no depth.
  ResultWriter(std::filesystem::path folder, Formats formats, const Sidecar& sidecar);

  // <stem>_<k>.bin for output k, and of output 0 <stem>.png, <stem>.pfm, <stem>_color.png.
  void Write(const Result& result) const;

 private:
  std::filesystem::path folder_;
  Formats formats_;
  Meaning meaning_;
};

// The k-th image's share of outputs that hold a whole batch.
std::vector<Tensor> Slice(const std::vector<Tensor>& outputs, size_t k, size_t batch);

}  // namespace depth

#endif  // DEPTH_INFER_RESULTS_H_
