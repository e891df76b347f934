// Pillow's resizing, flow, poses and points, compared with Python.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "camera.h"
#include "flow.h"
#include "pillow_resize.h"
#include "support.h"
#include "trajectory.h"

namespace {

cv::Mat Bytes(const nlohmann::json& values, const nlohmann::json& size) {
  auto bytes = values.get<std::vector<uint8_t>>();
  return cv::Mat(size[0].get<int>(), size[1].get<int>(), CV_8UC3, bytes.data()).clone();
}

// Null stands for a value that is not finite.
cv::Mat FlowOf(const nlohmann::json& test) {
  cv::Mat flow(test["size"][0].get<int>(), test["size"][1].get<int>(), CV_32FC2);
  size_t i = 0;
  for (auto& pixel : cv::Mat_<cv::Vec2f>(flow)) {
    for (int k = 0; k < 2; ++k) {
      const nlohmann::json& value = test["flow"][i][static_cast<size_t>(k)];
      pixel[k] = value.is_null() ? std::nanf("") : value.get<float>();
    }
    ++i;
  }
  return flow;
}

template <class Array>
void CheckNear(const Array& got, const nlohmann::json& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(got.val[i] == doctest::Approx(expected[i].get<double>()).epsilon(1e-9));
  }
}

}  // namespace

TEST_CASE("Pillow's resizing bit for bit") {
  const std::map<std::string, depth::Filter> filters = {
      {"pillow_bilinear", depth::Filter::kPillowBilinear},
      {"pillow_bicubic", depth::Filter::kPillowBicubic},
      {"pillow_lanczos", depth::Filter::kPillowLanczos}};
  nlohmann::json tests = Expected()["pillow"];
  REQUIRE(tests.size() == 24);
  if (const char* more = std::getenv("PILLOW_CASES")) {  // of test_pillow.py
    for (const auto& test : nlohmann::json::parse(std::ifstream(more))) tests.push_back(test);
    std::cout << "compared " << tests.size() << " images" << std::endl;
  }
  for (const auto& test : tests) {
    const cv::Mat photo = Bytes(test["bgr"], test["photo"]);
    const cv::Mat expected = Bytes(test["values"], test["size"]);
    const auto filter = filters.at(test["interpolation"].get<std::string>());
    const cv::Mat got = depth::PillowResize(photo, expected.size(), filter);
    CAPTURE(test["size"].dump());
    CAPTURE(test["interpolation"].dump());
    CHECK(cv::norm(got, expected, cv::NORM_INF) == 0);
  }
}

TEST_CASE("flow as files and colours are those of Python") {
  const auto& test = Expected()["flow"];
  const cv::Mat flow = FlowOf(test);
  const auto levels = test["png"].get<std::vector<uint16_t>>();
  const cv::Mat png = depth::ToKittiPng(flow);
  CHECK(std::equal(levels.begin(), levels.end(), png.ptr<uint16_t>()));
  CHECK(cv::norm(depth::ToFlowColor(flow), Bytes(test["color"], test["size"]), cv::NORM_INF) == 0);
  const auto bytes = test["flo_of_first_row"].get<std::vector<uint8_t>>();
  CHECK(depth::EncodeFlo(flow.row(0)) == std::string(bytes.begin(), bytes.end()));
  CHECK(depth::ToFlowColor(cv::Mat(2, 2, CV_32FC2, cv::Scalar::all(0))).at<cv::Vec3b>(0) ==
        cv::Vec3b(255, 255, 255));
}

TEST_CASE("flow comes back to the photo's size in the photo's pixels") {
  const cv::Mat u(2, 3, CV_32F, cv::Scalar(1)), v(2, 3, CV_32F, cv::Scalar(-2));
  CHECK(depth::RestoreFlow(u, v, {}).size() == u.size());
  const depth::Geometry geometry = {{20, 12}, {2, 1, 12, 10}};
  const cv::Mat flow = depth::RestoreFlow(u, v, geometry);
  REQUIRE(flow.size() == cv::Size(20, 12));
  CHECK(flow.at<cv::Vec2f>(0, 0) == cv::Vec2f(4, -10));
  CHECK(flow.at<cv::Vec2f>(11, 19) == cv::Vec2f(4, -10));
}

TEST_CASE("six numbers become the matrix of Python") {
  for (const auto& test : Expected()["poses"]) {
    const auto vector = test["vector"].get<std::vector<float>>();
    depth::PoseSpec spec;
    spec.euler = spec.translation_first = true;
    const cv::Matx44d pose = depth::PoseMatrix(spec, vector.data(), 1);
    CheckNear(pose, test["euler"]);
    CheckNear(depth::Quaternion(pose), test["quaternion"]);
    CheckNear(depth::PoseMatrix({}, vector.data(), 1), test["axis_angle"]);
    CHECK(depth::PoseMatrix(spec, vector.data(), 5.4)(0, 3) == doctest::Approx(5.4 * vector[0]));
  }
  const float wild[] = {0, 0, 0, 4, 0, 0};
  depth::PoseSpec spec;
  spec.euler = spec.translation_first = true;
  CHECK(depth::PoseMatrix(spec, wild, 1)(1, 1) == doctest::Approx(-1));  // clipped to pi
}

namespace {

cv::Matx44d Move(double x) { return {1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}; }

}  // namespace

TEST_CASE("a path is chained from steps of either direction") {
  depth::Path path;
  // A camera that drives along x: points move to -x for the later frame.
  path.Add(2, 3, 0, Move(-1));
  path.Add(2, 1, 1, Move(2));
  path.Add(3, 2, 1, Move(50));  // the pair that comes first counts
  path.Add(2, 4, 2, Move(70));  // no step
  path.Add(7, 8, 0, Move(-3));
  const std::vector<std::string> texts = path.Texts();
  REQUIRE(texts.size() == 2);
  const std::string turn =
      " 0.000000000 0.000000000 0.000000000 0.000000000 0.000000000 1.000000000";
  CHECK(texts[0] == "1.000000000 0.000000000" + turn + "\n2.000000000 2.000000000" + turn +
                        "\n3.000000000 3.000000000" + turn + "\n");
  CHECK(texts[1] == "7.000000000 0.000000000" + turn + "\n8.000000000 3.000000000" + turn + "\n");
  CHECK(depth::Path().Texts().empty());
  depth::Path late;
  late.Add(3, 2, 1, Move(50));
  late.Add(2, 3, 0, Move(-1));
  CHECK(Contains(late.Texts().front(), "3.000000000 1.000000000 0"));
}

TEST_CASE("the camera of what the network sees") {
  const depth::Intrinsics camera = {50, 40, 30, 25, 64, 48};
  const depth::Intrinsics seen = depth::Resized(camera, {4, 5, 32, 24}, 12, 64);
  CHECK(seen.fx == 100);
  CHECK(seen.fy == 20);
  CHECK(seen.cx == 52);
  CHECK(seen.cy == 10);
  CHECK(depth::MatrixOf(seen, false) == std::vector<float>{100, 0, 52, 0, 20, 10, 0, 0, 1});
  CHECK(depth::MatrixOf(seen, true) ==
        std::vector<float>{0.01F, 0, -0.52F, 0, 0.05F, -0.5F, 0, 0, 1});
  CHECK_NOTHROW(depth::CheckSize(camera, {64, 48}, "a.png"));
  const auto error = InputErrorOf([&] { depth::CheckSize(camera, {48, 64}, "a.png"); });
  CHECK(Contains(error, "a.png: the image is 48x64, but the intrinsics hold for 64x48"));
}

TEST_CASE("points of the pixels that have a depth") {
  const cv::Mat depth = (cv::Mat_<float>(2, 2) << 2.0F, 0.0F, INFINITY, 4.0F);
  cv::Mat photo(2, 2, CV_8UC3, cv::Scalar(1, 2, 3));
  photo.at<cv::Vec3b>(1, 1) = {7, 8, 255};
  const std::string text = depth::EncodePly(depth, photo, {2, 4, 0.5, 0, 2, 2});
  const std::string header =
      "ply\nformat binary_little_endian 1.0\nelement vertex 2\nproperty float x\nproperty float y\n"
      "property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
      "end_header\n";
  REQUIRE(text.size() == header.size() + 2 * 15);
  CHECK(text.substr(0, header.size()) == header);
  float point[3];
  std::memcpy(point, text.data() + header.size() + 15, sizeof(point));
  CHECK(point[0] == 1);  // (1 - 0.5) / 2 * 4
  CHECK(point[1] == 1);  // 1 / 4 * 4
  CHECK(point[2] == 4);
  CHECK(text.substr(text.size() - 3) == "\xff\x08\x07");
}
