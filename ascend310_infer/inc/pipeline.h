// Decoding, inference and writing side by side, with bounded queues between them.
#ifndef DEPTH_INFER_PIPELINE_H_
#define DEPTH_INFER_PIPELINE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chain.h"
#include "plan.h"
#include "results.h"
#include "statistics.h"

namespace depth {

struct PipelineOptions {
  int batch = 1;
  int warmup = 0;   // calls before the clock starts
  int workers = 1;  // threads that decode, and as many that write
  bool skip_bad = false;
  bool full_batches = false;  // for a card, which runs only the sizes that it was told beforehand
  std::optional<Intrinsics> intrinsics;  // of all images; empty: nothing needs them
};

struct Observer {
  std::function<void(size_t done)> progress;              // called by one thread at a time
  std::function<void(const std::string& line)> bad_file;  // a file that is left out
};

// Runs every sample in order. A bad file stops the run after everything before it is written
// (InputError), or is reported and left out with skip_bad, and with it the samples that need it.
Statistics RunPipeline(const Plan& plan, Chain* chain, ResultWriter* writer,
                       const PipelineOptions& options, const Observer& observer);

// What can be said before anything starts: a camera that is missing or holds for images of another
// size than the first one's, points asked of .bin files. Throws InputError.
void CheckInputs(const Plan& plan, const Chain& chain, const Formats& formats,
                 const std::optional<Intrinsics>& camera);

}  // namespace depth

#endif  // DEPTH_INFER_PIPELINE_H_
