// The command line.
#ifndef DEPTH_INFER_OPTIONS_H_
#define DEPTH_INFER_OPTIONS_H_

#include <filesystem>
#include <optional>
#include <vector>

#include "network.h"
#include "pipeline.h"
#include "results.h"

namespace depth {

struct Options {
  std::vector<std::filesystem::path> graphs;  // in the order in which they run
  std::vector<std::filesystem::path> input;
  std::filesystem::path output = "result_Files";
  std::filesystem::path time_result = "time_Result";
  RuntimeOptions runtime;
  PipelineOptions pipeline;
  ResultOptions results;
  std::filesystem::path intrinsics_file;  // empty: the sidecar's
};

// Nothing when the program is to end at once with *exit_code: 0 after --help, 2 after a mistake
// (which has been printed).
std::optional<Options> ParseOptions(int argc, char** argv, int* exit_code);

}  // namespace depth

#endif  // DEPTH_INFER_OPTIONS_H_
