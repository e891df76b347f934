#include "chain.h"

#include <utility>

#include "error.h"

namespace depth {
namespace {

bool SameImage(const ImageSpec& a, const ImageSpec& b) {
  const auto crop = [](const ImageSpec& spec) {
    const CropSpec c = spec.crop.value_or(CropSpec{});
    return std::vector<int>{spec.crop.has_value(),
                            c.reference_height,
                            c.reference_width,
                            c.top,
                            c.left,
                            c.height,
                            c.width};
  };
  const auto resize = [](const ImageSpec& spec) {
    const ResizeSpec& r = spec.resize;
    return std::vector<int>{
        r.height, r.width, r.cubic, r.keep_aspect_ratio, r.multiple_of, static_cast<int>(r.method)};
  };
  return a.rgb == b.rgb && a.scale == b.scale && a.mean == b.mean && a.std == b.std &&
         crop(a) == crop(b) && resize(a) == resize(b);
}

void CheckPorts(const Stage& stage) {
  const std::vector<PortInfo> ports = stage.network->Inputs();
  const std::string file = stage.sidecar.path.string();
  if (ports.size() != stage.sidecar.inputs.size()) {
    throw InputError(file + ": lists " + std::to_string(stage.sidecar.inputs.size()) +
                     " inputs, the graph has " + std::to_string(ports.size()) +
                     "; it belongs to another model");
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    const InputSpec& input = stage.sidecar.inputs[i];
    if (Compatible(input.shape, ports[i].shape)) continue;
    throw InputError(file + ": input " + input.name + " is " + ToString(input.shape) +
                     ", in the graph it is " + ToString(ports[i].shape) +
                     "; it belongs to another model");
  }
}

}  // namespace

Chain::Chain(std::vector<Stage> stages) : stages_(std::move(stages)) {
  for (size_t i = 0; i < stages_.size(); ++i) {
    const Sidecar& sidecar = stages_[i].sidecar;
    const std::string file = sidecar.path.string();
    CheckPorts(stages_[i]);
    for (const InputSpec& input : sidecar.inputs) {
      if (input.source != Source::kPreviousOutput) continue;
      if (i == 0) {
        throw InputError(file + ": input " + input.name +
                         " is another graph's output; give that graph with --mindir and this one "
                         "with --fine_mindir");
      }
      const OutputSpec& output = stages_[i - 1].sidecar.outputs.front();
      if (!Compatible(input.shape, output.shape)) {
        throw InputError(file + ": input " + input.name + " is " + ToString(input.shape) +
                         ", but the graph before gives " + output.name + " " +
                         ToString(output.shape));
      }
    }
    if (i > 0 && (!SameImage(sidecar.image, First().image) ||
                  !Compatible(sidecar.ImageInput().shape, First().ImageInput().shape))) {
      throw InputError(file + ": prepares images in another way than " + First().path.string());
    }
  }
}

int64_t Chain::FixedBatch() const {
  for (const Stage& stage : stages_) {
    if (stage.sidecar.ImageInput().shape[0] > 0) return stage.sidecar.ImageInput().shape[0];
  }
  return -1;
}

std::vector<Tensor> Chain::Run(const float* images, int64_t batch, int64_t height, int64_t width) {
  std::vector<Tensor> previous;
  for (Stage& stage : stages_) {
    std::vector<TensorView> views;
    for (const InputSpec& input : stage.sidecar.inputs) {
      if (input.source == Source::kImage) {
        views.push_back({images, {batch, 3, height, width}});
      } else {
        views.push_back({previous.front().values.data(), previous.front().shape});
      }
    }
    previous = stage.network->Run(views);
  }
  return previous;
}

}  // namespace depth
