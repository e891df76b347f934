#include "lite_context.h"

namespace depth {

namespace ms = mindspore;

std::shared_ptr<ms::Context> MakeContext(const RuntimeOptions& options) {
  auto context = std::make_shared<ms::Context>();
  context->SetThreadNum(options.threads);
  if (options.device == Device::kCpu) {
    context->MutableDeviceInfo().push_back(std::make_shared<ms::CPUDeviceInfo>());
    return context;
  }
  auto ascend = std::make_shared<ms::AscendDeviceInfo>();
  ascend->SetDeviceID(static_cast<uint32_t>(options.device_id));
  if (!options.precision.empty()) ascend->SetPrecisionMode(options.precision);
  context->MutableDeviceInfo().push_back(ascend);
  return context;
}

}  // namespace depth
