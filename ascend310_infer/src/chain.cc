#include "chain.h"

#include <algorithm>
#include <string>
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
    return std::vector<int>{r.height,
                            r.width,
                            static_cast<int>(r.filter),
                            r.keep_aspect_ratio,
                            r.multiple_of,
                            static_cast<int>(r.method)};
  };
  return a.rgb == b.rgb && a.scale == b.scale && a.mean == b.mean && a.std == b.std &&
         crop(a) == crop(b) && resize(a) == resize(b);
}

// Compares the graph with its sidecar, and takes from it a batch that the sidecar leaves free: a
// graph that was converted for a card may have one.
void MatchPorts(Stage* stage) {
  const std::vector<PortInfo> ports = stage->network->Inputs();
  const std::string file = stage->sidecar.path.string();
  if (ports.size() != stage->sidecar.inputs.size()) {
    throw InputError(file + ": lists " + std::to_string(stage->sidecar.inputs.size()) +
                     " inputs, the graph has " + std::to_string(ports.size()) +
                     "; it belongs to another model");
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    InputSpec& input = stage->sidecar.inputs[i];
    if (!Compatible(input.shape, ports[i].shape)) {
      throw InputError(file + ": input " + input.name + " is " + ToString(input.shape) +
                       ", in the graph it is " + ToString(ports[i].shape) +
                       "; it belongs to another model");
    }
    if (input.shape[0] < 0) input.shape[0] = ports[i].shape[0];
  }
}

}  // namespace

Chain::Chain(std::vector<Stage> stages) : stages_(std::move(stages)) {
  for (size_t i = 0; i < stages_.size(); ++i) {
    MatchPorts(&stages_[i]);
    const Sidecar& sidecar = stages_[i].sidecar;
    std::vector<Origin> origins;
    for (const InputSpec& input : sidecar.inputs) {
      origins.push_back(input.source == Source::kPreviousOutput ? OutputOf(i, input)
                                                                : SlotOf(input));
    }
    origins_.push_back(std::move(origins));
    if (i > 0) CheckImages(sidecar);
  }
  CheckUse();
}

Chain::Origin Chain::SlotOf(const InputSpec& input) {
  for (size_t k = 0; k < slots_.size(); ++k) {
    if (slots_[k].source == input.source && slots_[k].frame == input.frame) return {true, k, 0, 0};
  }
  slots_.push_back({input.name, input.source, input.frame, input.shape});
  return {true, slots_.size() - 1, 0, 0};
}

Chain::Origin Chain::OutputOf(size_t stage, const InputSpec& input) const {
  const std::string what = stages_[stage].sidecar.path.string() + ": input " + input.name;
  if (stage == 0) {
    throw InputError(what +
                     " is another graph's output; give that graph first and this one after it, "
                     "with --mindir or "
                     "--fine_mindir");
  }
  for (size_t before = stage; before-- > 0;) {  // the nearest first
    const std::vector<OutputSpec>& outputs = stages_[before].sidecar.outputs;
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (!input.output.empty() && input.output != outputs[k].name) continue;
      if (Compatible(input.shape, outputs[k].shape)) return {false, 0, before, k};
      throw InputError(what + " is " + ToString(input.shape) + ", but the graph before gives " +
                       outputs[k].name + " " + ToString(outputs[k].shape));
    }
  }
  throw InputError(what + " is output " + input.output +
                   " of another graph; none of those before it gives one");
}

void Chain::CheckImages(const Sidecar& sidecar) const {
  if (SameImage(sidecar.image, First().image) &&
      Compatible(sidecar.ImageInput().shape, First().ImageInput().shape)) {
    return;
  }
  throw InputError(sidecar.path.string() + ": prepares images in another way than " +
                   First().path.string());
}

void Chain::CheckUse() const {
  for (size_t i = 0; i + 1 < stages_.size(); ++i) {
    bool used = false;
    for (const auto& origins : origins_) {
      for (const Origin& origin : origins) used |= !origin.is_slot && origin.stage == i;
    }
    if (used) continue;
    throw InputError(stages_[i].sidecar.path.string() +
                     ": no graph after it takes what it gives; run it by itself");
  }
}

bool Chain::NeedsCamera() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.source != Source::kImage; });
}

std::optional<Intrinsics> Chain::Camera() const {
  for (const Stage& stage : stages_) {
    if (stage.sidecar.intrinsics) return stage.sidecar.intrinsics;
  }
  return std::nullopt;
}

int64_t Chain::FixedBatch() const {
  for (const Stage& stage : stages_) {
    if (stage.sidecar.ImageInput().shape[0] > 0) return stage.sidecar.ImageInput().shape[0];
  }
  return -1;
}

std::vector<Tensor> Chain::Run(const std::vector<TensorView>& inputs) {
  std::vector<std::vector<Tensor>> results;
  for (size_t i = 0; i < stages_.size(); ++i) {
    std::vector<TensorView> views;
    for (const Origin& origin : origins_[i]) {
      if (origin.is_slot) {
        views.push_back(inputs[origin.slot]);
        continue;
      }
      const std::vector<Tensor>& outputs = results[origin.stage];
      if (origin.output >= outputs.size()) {
        throw InputError(stages_[origin.stage].sidecar.path.string() +
                         ": lists more outputs than " + std::to_string(outputs.size()) +
                         ", which the graph gives");
      }
      views.push_back({outputs[origin.output].values.data(), outputs[origin.output].shape});
    }
    results.push_back(stages_[i].network->Run(views));
  }
  return std::move(results.back());
}

}  // namespace depth
