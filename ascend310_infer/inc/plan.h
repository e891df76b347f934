// From a list of files to samples: which images belong together, and which .bin files.
#ifndef DEPTH_INFER_PLAN_H_
#define DEPTH_INFER_PLAN_H_

#include <filesystem>
#include <vector>

#include "chain.h"
#include "files.h"

namespace depth {

// What is decoded in one go: an image, or the prepared tensors of one sample.
struct Unit {
  InputFile file;                              // of tensors: the first of them
  std::vector<std::filesystem::path> tensors;  // one for each slot; empty for an image
  size_t sequence = 0, position = 0;           // the folder, and the frame's number in it
};

// Images first to last of a sequence, seen from the one that names the result.
struct FrameSpan {
  int first = 0, last = 0;
  size_t Count() const { return static_cast<size_t>(last - first + 1); }
};

FrameSpan SpanOf(const std::vector<Slot>& slots);

struct Plan {
  std::vector<Unit> units;  // those of a sequence one after the other
  FrameSpan span;
  size_t samples = 0;  // results to come
  size_t ends = 0;     // images without results, since a neighbour would lie outside
};

// The images of one folder are a sequence, in the order of the list; numbers for names, in a folder
// that was listed, in the order of the numbers. For graphs with one input a .bin is a sample; for
// others <name>_<input>.bin are those of sample <name>.
// Throws InputError for a .bin without its companions, for two samples of one name, and when no
// sample is left.
Plan MakePlan(const std::vector<InputFile>& files, const std::vector<Slot>& slots);

}  // namespace depth

#endif  // DEPTH_INFER_PLAN_H_
