// One graph, or several in a row, where later ones also take what earlier ones gave (coarse to
// fine; depth and pose to flow).
#ifndef DEPTH_INFER_CHAIN_H_
#define DEPTH_INFER_CHAIN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network.h"
#include "sidecar.h"

namespace depth {

struct Stage {
  Sidecar sidecar;
  std::unique_ptr<Network> network;
};

// Something that comes from outside of the graphs: the image at an offset of the sequence, or the
// camera. Inputs of several graphs that mean the same share one.
struct Slot {
  std::string name;  // of the first input that takes it; .bin files are named after it
  Source source = Source::kImage;
  int frame = 0;
  Shape shape;
};

class Chain {
 public:
  // Throws InputError when a graph and its sidecar, or two stages, do not fit together.
  explicit Chain(std::vector<Stage> stages);

  // How images are prepared: all stages take the same tensors.
  const Sidecar& First() const { return stages_.front().sidecar; }
  // What the results mean.
  const Sidecar& Last() const { return stages_.back().sidecar; }

  const std::vector<Slot>& Slots() const { return slots_; }
  bool NeedsCamera() const;
  // The camera that a sidecar tells of: the first one's that does.
  std::optional<Intrinsics> Camera() const;

  // The number of samples that the graphs were made for; -1 when it is free.
  int64_t FixedBatch() const;

  // `inputs` are the slots' values, in their order. Returns the last stage's outputs.
  std::vector<Tensor> Run(const std::vector<TensorView>& inputs);

 private:
  // Where an input of a stage comes from: a slot, or an output of an earlier stage.
  struct Origin {
    bool is_slot = true;
    size_t slot = 0, stage = 0, output = 0;
  };

  Origin SlotOf(const InputSpec& input);
  Origin OutputOf(size_t stage, const InputSpec& input) const;
  void CheckImages(const Sidecar& sidecar) const;
  void CheckUse() const;

  std::vector<Stage> stages_;
  std::vector<Slot> slots_;
  std::vector<std::vector<Origin>> origins_;  // of every input of every stage
};

}  // namespace depth

#endif  // DEPTH_INFER_CHAIN_H_
