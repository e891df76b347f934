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
  std::filesystem::path mindir, fine_mindir;  // the second is empty for a single graph
  std::vector<std::filesystem::path> input;
  std::filesystem::path output = "result_Files";
  std::filesystem::path time_result = "time_Result";
  RuntimeOptions runtime;
  PipelineOptions pipeline;
  Formats formats;
};

// Nothing when the program is to end at once with *exit_code: 0 after --help, 2 after a mistake
// (which has been printed).
std::optional<Options> ParseOptions(int argc, char** argv, int* exit_code);

}  // namespace depth

#endif  // DEPTH_INFER_OPTIONS_H_
