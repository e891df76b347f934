#include "image.h"

#include <doctest/doctest.h>

#include <opencv2/imgcodecs.hpp>

#include "files.h"
#include "support.h"

namespace {

depth::Sidecar SidecarOf(const nlohmann::json& test) {
  return depth::ParseSidecar(test["sidecar"].dump(), "m.json");
}

cv::Mat Photo(const nlohmann::json& test) {
  auto bytes = test["bgr"].get<std::vector<uint8_t>>();
  return cv::Mat(test["photo"][0].get<int>(), test["photo"][1].get<int>(), CV_8UC3, bytes.data())
      .clone();
}

std::string Encoded(const std::string& ending) {
  std::vector<unsigned char> bytes;
  cv::imencode(ending, Photo(Expected()["prepare"][0]), bytes);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("images are prepared as Python prepares them") {
  for (const auto& test : Expected()["prepare"]) {
    const depth::Prepared prepared = depth::PrepareImage(Photo(test), SidecarOf(test).image);
    const auto expected = test["values"].get<std::vector<float>>();
    CHECK(prepared.height == test["shape"][1].get<int>());
    CHECK(prepared.width == test["shape"][2].get<int>());
    REQUIRE(prepared.values.size() == expected.size());
    double worst = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      worst = std::max<double>(worst, std::abs(prepared.values[i] - expected[i]));
    }
    CHECK(worst < 5e-6);  // values up to 3; the builds of OpenCV differ in the last bits
  }
}

TEST_CASE("sizes by the rules of MiDaS") {
  const auto& table = Expected()["resize_table"];
  const std::map<std::string, depth::ResizeMethod> methods = {
      {"lower_bound", depth::ResizeMethod::kLowerBound},
      {"upper_bound", depth::ResizeMethod::kUpperBound},
      {"minimal", depth::ResizeMethod::kMinimal}};
  REQUIRE(table["rows"].size() == 480);
  for (const auto& row : table["rows"]) {
    depth::ResizeSpec resize;
    resize.width = row[2];
    resize.height = row[3];
    resize.method = methods.at(table["methods"][row[4].get<size_t>()]);
    resize.keep_aspect_ratio = row[5].get<int>() != 0;
    resize.multiple_of = row[6];
    const cv::Size size = depth::ResizedSize(resize, {row[0].get<int>(), row[1].get<int>()});
    CAPTURE(row.dump());
    CHECK(size.width == row[7].get<int>());
    CHECK(size.height == row[8].get<int>());
  }
}

TEST_CASE("the crop scales with the photo and stays inside it") {
  depth::CropSpec crop;
  crop.reference_height = 480, crop.reference_width = 640;
  crop.top = 12, crop.left = 16, crop.height = 456, crop.width = 608;
  CHECK(depth::CropWindow(crop, {640, 480}) == cv::Rect(16, 12, 608, 456));
  CHECK(depth::CropWindow(crop, {320, 240}) == cv::Rect(8, 6, 304, 228));
  CHECK(depth::CropWindow(std::nullopt, {7, 5}) == cv::Rect(0, 0, 7, 5));
  for (int side = 1; side < 100; ++side) {
    const cv::Rect window = depth::CropWindow(crop, {side, 101 - side});
    CHECK(window.area() > 0);
    CHECK((window & cv::Rect(0, 0, side, 101 - side)) == window);
  }
}

TEST_CASE("a cut-off image is refused wherever it is cut") {
  const ScratchFolder folder;
  for (const std::string ending : {".jpg", ".png"}) {
    const std::string whole = Encoded(ending);
    CHECK_FALSE(depth::ReadBgr(folder.Write("whole" + ending, whole)).empty());
    for (size_t length = 0; length < whole.size(); length += 5) {
      const auto path = folder.Write("cut" + ending, whole.substr(0, length));
      const std::string error = InputErrorOf([&] { depth::ReadBgr(path); });
      CAPTURE(length);
      CHECK(Contains(error, "cut" + ending + ": "));
    }
  }
}

TEST_CASE("bytes after the end of an image do no harm") {
  const ScratchFolder folder;
  for (const std::string ending : {".jpg", ".png"}) {
    const auto path = folder.Write("tail" + ending, Encoded(ending) + std::string(100, '\0'));
    CHECK_FALSE(depth::ReadBgr(path).empty());
  }
}

TEST_CASE("a .bin must have exactly the input's size") {
  const ScratchFolder folder;
  const depth::Shape shape = {1, 3, 24, 32};
  const size_t size = 3 * 24 * 32 * sizeof(float);
  std::string bytes(size, '\0');
  const float one = 1.5F;
  std::memcpy(bytes.data() + size - sizeof(one), &one, sizeof(one));
  const auto values = depth::ReadTensor(folder.Write("a.bin", bytes), "image", shape);
  CHECK(values.size() == 3 * 24 * 32);
  CHECK(values.back() == 1.5F);
  CHECK(depth::ReadTensor(folder / "a.bin", "image", {-1, 3, 24, 32}) == values);
  for (const size_t wrong : {size_t{0}, size - 1, size + 1, size / 2, 2 * size}) {
    const auto path = folder.Write("b.bin", std::string(wrong, 'x'));
    const std::string error = InputErrorOf([&] { depth::ReadTensor(path, "image", shape); });
    CHECK(Contains(error, "b.bin: holds " + std::to_string(wrong) + " bytes"));
    CHECK(Contains(error, std::to_string(size)));
  }
  const auto error = InputErrorOf([&] {
    depth::ReadTensor(folder / "a.bin", "image", {1, 3, -1, 32});
  });
  CHECK(Contains(error, "no size of its own"));
}

TEST_CASE("an image that does not become the graph's size is refused") {
  const ScratchFolder folder;
  nlohmann::json json = Expected()["prepare"][0]["sidecar"];
  json["image"]["resize"]["height"] = 23;
  const depth::Sidecar sidecar = depth::ParseSidecar(json.dump(), "m.json");
  const auto path = folder.Write("a.png", Encoded(".png"));
  const std::string error = InputErrorOf([&] { depth::LoadImage(path, sidecar, false); });
  CHECK(Contains(error, "27x20 pixels become [?, 3, 23, 11]"));
}
