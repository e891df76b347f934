// A network that can be run; the real one lives in a module that is loaded at run time.
#ifndef DEPTH_INFER_NETWORK_H_
#define DEPTH_INFER_NETWORK_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sidecar.h"

namespace depth {

struct Tensor {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

// Borrowed values; the owner keeps them alive during Run.
struct TensorView {
  const float* values;
  Shape shape;
};

struct PortInfo {
  std::string name;
  Shape shape;
};

class Network {
 public:
  virtual ~Network() = default;
  // What the graph itself declares, to be compared with the sidecar.
  virtual std::vector<PortInfo> Inputs() = 0;
  // Runs once; the shapes may change from call to call where the graph allows it.
  virtual std::vector<Tensor> Run(const std::vector<TensorView>& inputs) = 0;
};

enum class Device { kAscend310, kAscend310P, kCpu };
const char* Name(Device device);

struct RuntimeOptions {
  Device device = Device::kAscend310;
  int device_id = 0;
  int threads = 1;        // of the CPU runtime
  std::string precision;  // of a card, in Lite's words; empty: the runtime's own choice
};

// Makes networks with MindSpore Lite. The runtime is a module of its own, so that a missing one is
// a line of ours and not of the dynamic linker, and everything else works without it.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual std::string Version() = 0;
  virtual std::unique_ptr<Network> Load(const std::filesystem::path& mindir,
                                        const RuntimeOptions& options) = 0;
};

// Loads the module that was built beside the program; throws InputError when that fails.
std::unique_ptr<Runtime> LoadRuntime();

// Throws InputError for a runtime older than 2.0.0; an unknown version passes.
void CheckRuntimeVersion(const std::string& version);

}  // namespace depth

#endif  // DEPTH_INFER_NETWORK_H_
