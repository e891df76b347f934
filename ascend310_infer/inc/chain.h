// One graph, or two in a row where the second also takes the first one's output (coarse to fine).
#ifndef DEPTH_INFER_CHAIN_H_
#define DEPTH_INFER_CHAIN_H_

#include <memory>
#include <vector>

#include "network.h"
#include "sidecar.h"

namespace depth {

struct Stage {
  Sidecar sidecar;
  std::unique_ptr<Network> network;
};

class Chain {
 public:
  // Throws InputError when a graph and its sidecar, or two stages, do not fit together.
  explicit Chain(std::vector<Stage> stages);

  // How images are prepared: all stages take the same tensor.
  const Sidecar& First() const { return stages_.front().sidecar; }
  // What the results mean.
  const Sidecar& Last() const { return stages_.back().sidecar; }

  // The number of images that the graphs were made for; -1 when it is free.
  int64_t FixedBatch() const;

  // `images` holds batch x 3 x height x width values. Returns the last stage's outputs.
  std::vector<Tensor> Run(const float* images, int64_t batch, int64_t height, int64_t width);

 private:
  std::vector<Stage> stages_;
};

}  // namespace depth

#endif  // DEPTH_INFER_CHAIN_H_
