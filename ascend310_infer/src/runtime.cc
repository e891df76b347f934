#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "error.h"
#include "network.h"

namespace depth {
namespace {

constexpr char kModule[] = "libdepth_infer_lite.so";
constexpr int kOldestMajor = 2;

std::filesystem::path OwnFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace

const char* Name(Device device) {
  switch (device) {
    case Device::kAscend310:
      return "Ascend310";
    case Device::kAscend310P:
      return "Ascend310P";
    case Device::kCpu:
      return "CPU";
  }
  return "?";
}

void CheckRuntimeVersion(const std::string& version) {
  int major = 0;
  if (std::sscanf(version.c_str(), "%d.", &major) == 1 && major < kOldestMajor) {
    throw InputError("MindSpore Lite " + version +
                     " is too old: 2.0.0 or newer is needed; run scripts/install_lite.sh or set "
                     "LITE_HOME to a newer one, and build again");
  }
}

std::unique_ptr<Runtime> LoadRuntime() {
  // The runtime logs pages where one line is wanted; GLOG_v=2 in the environment brings them back.
  setenv("GLOG_v", "4", 0);
  const auto path = OwnFolder() / kModule;
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    throw InputError(std::string("MindSpore Lite cannot be loaded (") + dlerror() +
                     "); run scripts/install_lite.sh or set LITE_HOME, and build again");
  }
  // Never closed: the runtime's threads and static objects live as long as the process.
  auto* create = reinterpret_cast<Runtime* (*)()>(dlsym(module, "DepthCreateRuntime"));
  if (create == nullptr)
    throw InputError(path.string() + ": not this program's module; build again");
  std::unique_ptr<Runtime> runtime(create());
  CheckRuntimeVersion(runtime->Version());
  return runtime;
}

}  // namespace depth
