#include "lite_context.h"

#include <doctest/doctest.h>

namespace ms = mindspore;

namespace {

std::shared_ptr<ms::AscendDeviceInfo> CardOf(const depth::RuntimeOptions& options) {
  const auto devices = depth::MakeContext(options)->MutableDeviceInfo();
  REQUIRE(devices.size() == 1);
  REQUIRE(devices[0]->GetDeviceType() == ms::kAscend);
  return devices[0]->Cast<ms::AscendDeviceInfo>();
}

}  // namespace

TEST_CASE("the runtime is told the card and its precision") {
  depth::RuntimeOptions options;
  options.device_id = 3;
  options.precision = "preferred_fp32";
  for (const auto device : {depth::Device::kAscend310, depth::Device::kAscend310P}) {
    options.device = device;
    const auto card = CardOf(options);
    CHECK(card->GetDeviceID() == 3);
    CHECK(card->GetPrecisionMode() == "preferred_fp32");
    CHECK(card->GetProvider().empty());  // "ge" would be another way to run, for other cards
  }
}

TEST_CASE("without --precision the runtime keeps its own") {
  const auto untouched = std::make_shared<ms::AscendDeviceInfo>();
  CHECK(CardOf({})->GetPrecisionMode() == untouched->GetPrecisionMode());
}

TEST_CASE("the CPU's threads") {
  depth::RuntimeOptions options;
  options.device = depth::Device::kCpu;
  options.threads = 5;
  const auto context = depth::MakeContext(options);
  CHECK(context->GetThreadNum() == 5);
  REQUIRE(context->MutableDeviceInfo().size() == 1);
  CHECK(context->MutableDeviceInfo()[0]->GetDeviceType() == ms::kCPU);
}
