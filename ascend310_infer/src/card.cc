#include "card.h"

#include <algorithm>
#include <string>

#include "error.h"

namespace depth {
namespace {

constexpr char kConverter[] = "converter_lite --optimize=ascend_oriented";

// Lite compiles a graph for a card when it loads it, for the sizes in the file.
void CheckSizesAreKnown(const Sidecar& sidecar) {
  for (const InputSpec& input : sidecar.inputs) {
    if (std::all_of(input.shape.begin(), input.shape.end(), [](int64_t n) { return n > 0; })) {
      continue;
    }
    throw InputError(sidecar.path.string() + ": input " + input.name + " is " +
                     ToString(input.shape) + ", but a card needs every size beforehand: export " +
                     "the graph with fixed sizes, or convert it with " + kConverter +
                     " and dynamic_dims in its --configFile");
  }
}

}  // namespace

void CheckBatch(const std::filesystem::path& sidecar, int64_t fixed, Device device, int batch) {
  const bool resizable = fixed < 1 || (fixed == 1 && device == Device::kCpu);
  if (batch == 0 || batch == fixed || resizable) return;
  throw InputError("--batch " + std::to_string(batch) + ": the graph of " + sidecar.string() +
                   " takes batches of " + std::to_string(fixed) + " and cannot be resized on " +
                   Name(device) + "; leave --batch out, or export the graph for that batch");
}

void CheckDevice(const std::filesystem::path& mindir, const MindirHeader& header,
                 const Sidecar& sidecar, const RuntimeOptions& options, int batch) {
  if (options.device == Device::kCpu) {
    if (!header.for_ascend) return;
    throw InputError(mindir.string() + ": compiled for a card by " + kConverter +
                     ", the CPU cannot run it; give the file that export.py wrote");
  }
  if (!options.precision.empty() && header.converted) {
    throw InputError(mindir.string() + ": its precision was fixed when it was converted; leave " +
                     "--precision out, or convert it again with precision_mode=" +
                     options.precision + " in converter_lite's --configFile");
  }
  CheckBatch(sidecar.path, sidecar.ImageInput().shape[0], options.device, batch);
  if (!header.converted) CheckSizesAreKnown(sidecar);
}

}  // namespace depth
