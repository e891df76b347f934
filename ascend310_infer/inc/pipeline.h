// Decoding, inference and writing side by side, with bounded queues between them.
#ifndef DEPTH_INFER_PIPELINE_H_
#define DEPTH_INFER_PIPELINE_H_

#include <functional>
#include <vector>

#include "chain.h"
#include "files.h"
#include "results.h"
#include "statistics.h"

namespace depth {

struct PipelineOptions {
  int batch = 1;
  int warmup = 0;   // calls before the clock starts
  int workers = 1;  // threads that decode, and as many that write
  bool skip_bad = false;
};

struct Observer {
  std::function<void(size_t done)> progress;              // called by one thread at a time
  std::function<void(const std::string& line)> bad_file;  // a file that is left out
};

// Runs every file in order. A bad file stops the run after everything before it is written
// (InputError), or is reported and left out with skip_bad.
Statistics RunPipeline(const std::vector<InputFile>& files, Chain* chain,
                       const ResultWriter& writer, const PipelineOptions& options,
                       const Observer& observer);

}  // namespace depth

#endif  // DEPTH_INFER_PIPELINE_H_
