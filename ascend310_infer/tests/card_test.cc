#include "card.h"

#include <doctest/doctest.h>

#include "support.h"

namespace {

constexpr auto kCard = depth::Device::kAscend310;
constexpr auto kCpu = depth::Device::kCpu;
const depth::MindirHeader kExported{"MindSpore", "2.0.0", 1};
const depth::MindirHeader kForCpu{"MindSpore", "2.0.0", 1, true, false};
const depth::MindirHeader kForCard{"MindSpore", "2.0.0", 1, true, true};

depth::Sidecar SidecarOf(const depth::Shape& image) {
  depth::Sidecar sidecar;
  sidecar.path = "net.json";
  depth::InputSpec input;
  input.name = "image";
  input.shape = image;
  sidecar.inputs = {input};
  return sidecar;
}

std::string ErrorOf(const depth::MindirHeader& header, const depth::Shape& image,
                    depth::Device device, int batch = 0, const std::string& precision = "") {
  depth::RuntimeOptions options;
  options.device = device;
  options.precision = precision;
  return InputErrorOf(
      [&] { depth::CheckDevice("net.mindir", header, SidecarOf(image), options, batch); });
}

}  // namespace

TEST_CASE("a card does not resize a graph of a fixed batch") {
  const depth::Shape one{1, 3, 24, 32};
  for (const auto device : {kCard, depth::Device::kAscend310P}) {
    CHECK(ErrorOf(kExported, one, device).empty());
    CHECK(ErrorOf(kExported, one, device, 1).empty());
    const auto error = ErrorOf(kExported, one, device, 4);
    CHECK(Contains(error, "--batch 4: the graph of net.json takes batches of 1"));
    CHECK(Contains(error, depth::Name(device)));
    CHECK(Contains(error, "leave --batch out"));
    CHECK(Contains(ErrorOf(kForCard, one, device, 4), "--batch 4"));
  }
  CHECK(ErrorOf(kExported, one, kCpu, 4).empty());
}

TEST_CASE("a batch of several is fixed on every device") {
  for (const auto device : {kCard, kCpu}) {
    CHECK_NOTHROW(depth::CheckBatch("net.json", 4, device, 0));
    CHECK_NOTHROW(depth::CheckBatch("net.json", 4, device, 4));
    CHECK_NOTHROW(depth::CheckBatch("net.json", -1, device, 3));
    for (const int batch : {1, 3}) {
      const auto error = InputErrorOf([&] { depth::CheckBatch("net.json", 4, device, batch); });
      CHECK(Contains(error, "takes batches of 4"));
    }
  }
}

TEST_CASE("a card needs every size beforehand, or a graph that was converted for some") {
  for (const depth::Shape& free : {depth::Shape{-1, 3, 24, 32}, depth::Shape{1, 3, -1, -1}}) {
    const auto error = ErrorOf(kExported, free, kCard);
    CHECK(Contains(error, "net.json: input image is " + depth::ToString(free)));
    CHECK(Contains(error, "converter_lite --optimize=ascend_oriented"));
    CHECK(Contains(error, "dynamic_dims"));
    CHECK(ErrorOf(kForCard, free, kCard).empty());
    CHECK(ErrorOf(kExported, free, kCpu, 3).empty());
  }
}

TEST_CASE("a graph that was compiled for a card is not tried on the CPU") {
  const auto error = ErrorOf(kForCard, {1, 3, 24, 32}, kCpu);
  CHECK(Contains(error, "net.mindir: compiled for a card"));
  CHECK(Contains(error, "export.py"));
  CHECK(ErrorOf(kForCpu, {1, 3, 24, 32}, kCpu).empty());
}

TEST_CASE("a converted graph has its precision already") {
  const depth::Shape one{1, 3, 24, 32};
  CHECK(ErrorOf(kExported, one, kCard, 0, "enforce_fp32").empty());
  const auto error = ErrorOf(kForCard, one, kCard, 0, "enforce_fp32");
  CHECK(Contains(error, "net.mindir: its precision was fixed"));
  CHECK(Contains(error, "precision_mode=enforce_fp32"));
}
