// The module around mindspore::Model. Its own error texts say little ("Common error code."), so
// every failure here names the device, the file, the runtime and what to try.
#include <cstring>

#include "error.h"
#include "include/api/model.h"
#include "include/api/types.h"
#include "lite_context.h"
#include "mindir.h"
#include "network.h"

#ifndef LITE_VERSION
#define LITE_VERSION ""
#endif

namespace depth {
namespace {

namespace ms = mindspore;

std::string RuntimeVersion() {
  // The wheel's library answers with an empty text; CMake read its version from the package then.
  std::string version = ms::Version();
  const size_t digit = version.find_first_of("0123456789");
  if (digit != version.npos) return version.substr(digit);
  return *LITE_VERSION != '\0' ? LITE_VERSION : "of unknown version";
}

class LiteNetwork : public Network {
 public:
  LiteNetwork(const std::filesystem::path& path, const RuntimeOptions& options)
      : where_(path.string() + " on " + Name(options.device) +
               (options.device == Device::kCpu ? "" : " " + std::to_string(options.device_id)) +
               ", MindSpore Lite " + RuntimeVersion()) {
    const ms::Status status = model_.Build(path.string(), ms::kMindIR, MakeContext(options));
    if (status.IsError()) Fail("cannot be built", status, BuildHint(path, options));
    inputs_ = model_.GetInputs();
    for (const ms::MSTensor& input : inputs_) {
      if (input.DataType() != ms::DataType::kNumberTypeFloat32) {
        throw InputError(where_ + ": input " + input.Name() + " is not float32; export it so");
      }
    }
  }

  std::vector<PortInfo> Inputs() override {
    std::vector<PortInfo> ports;
    for (const ms::MSTensor& input : inputs_) ports.push_back({input.Name(), input.Shape()});
    return ports;
  }

  std::vector<Tensor> Run(const std::vector<TensorView>& views) override {
    Resize(views);
    for (size_t i = 0; i < views.size(); ++i) {
      void* target = inputs_[i].MutableData();
      if (target == nullptr) throw std::runtime_error(where_ + ": no memory for the input");
      std::memcpy(target, views[i].values, inputs_[i].DataSize());
    }
    std::vector<ms::MSTensor> outputs;
    const ms::Status status = model_.Predict(inputs_, &outputs);
    if (status.IsError()) Fail("failed while running", status, "GLOG_v=2 shows the runtime's log");
    std::vector<Tensor> tensors;
    for (ms::MSTensor& output : outputs) tensors.push_back(Copy(output));
    return tensors;
  }

 private:
  static std::string BuildHint(const std::filesystem::path& path, const RuntimeOptions& options) {
    std::string hint = "the file was " + Origin(ReadMindirHeader(path));
    if (options.device != Device::kCpu) hint += "; check the card and its driver with npu-smi info";
    return hint + "; GLOG_v=2 shows the runtime's log";
  }

  [[noreturn]] void Fail(const std::string& what, const ms::Status& status,
                         const std::string& hint) const {
    throw std::runtime_error(where_ + ": " + what + " (" + status.ToString() + ") " + hint);
  }

  // Predict on a dynamic input that was never resized would crash, so a shape is always made to
  // fit.
  void Resize(const std::vector<TensorView>& views) {
    if (views.size() != inputs_.size()) {
      throw InputError(where_ + ": the graph has " + std::to_string(inputs_.size()) + " inputs, " +
                       std::to_string(views.size()) + " were given");
    }
    std::vector<Shape> shapes;
    bool differs = false;
    for (size_t i = 0; i < views.size(); ++i) {
      shapes.push_back(views[i].shape);
      differs |= inputs_[i].Shape() != views[i].shape;
    }
    if (!differs) return;
    const ms::Status status = model_.Resize(inputs_, shapes);
    if (status.IsError()) {
      throw InputError(where_ + ": cannot take " + ToString(shapes[0]) +
                       "; leave --batch out, or export it with a dynamic batch");
    }
    inputs_ = model_.GetInputs();
  }

  Tensor Copy(ms::MSTensor& output) const {
    if (output.DataType() != ms::DataType::kNumberTypeFloat32) {
      throw InputError(where_ + ": output " + output.Name() + " is not float32; export it so");
    }
    Tensor tensor{output.Name(), output.Shape(), {}};
    // MutableData and not Data: it brings the values back from a device.
    const auto* values = static_cast<const float*>(output.MutableData());
    const auto count = static_cast<size_t>(output.ElementNum());
    if (values == nullptr) throw std::runtime_error(where_ + ": output without values");
    tensor.values.assign(values, values + count);
    return tensor;
  }

  std::string where_;
  ms::Model model_;
  std::vector<ms::MSTensor> inputs_;
};

class LiteRuntime : public Runtime {
 public:
  std::string Version() override { return RuntimeVersion(); }

  std::unique_ptr<Network> Load(const std::filesystem::path& mindir,
                                const RuntimeOptions& options) override {
    return std::make_unique<LiteNetwork>(mindir, options);
  }
};

}  // namespace
}  // namespace depth

extern "C" __attribute__((visibility("default"))) depth::Runtime* DepthCreateRuntime() {
  return new depth::LiteRuntime();
}
