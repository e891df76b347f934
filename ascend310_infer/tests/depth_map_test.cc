#include "depth_map.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support.h"

namespace {

struct Case {
  depth::Meaning meaning;
  depth::Geometry geometry;
  cv::Mat output, map;
};

Case ReadCase(const nlohmann::json& test) {
  const auto sidecar = depth::ParseSidecar(test["sidecar"].dump(), "m.json");
  const cv::Size photo(test["photo"][1].get<int>(), test["photo"][0].get<int>());
  auto output = test["output"].get<std::vector<float>>();
  auto values = test["values"].get<std::vector<float>>();
  return {sidecar.outputs[0].meaning,
          {photo, depth::CropWindow(sidecar.image.crop, photo)},
          cv::Mat(5, 6, CV_32F, output.data()).clone(),
          cv::Mat(photo, CV_32F, values.data()).clone()};
}

}  // namespace

TEST_CASE("maps come back to the photo's size as in Python") {
  for (const auto& test : Expected()["restore"]) {
    const Case expected = ReadCase(test);
    const cv::Mat map = depth::Restore(expected.output, expected.meaning, expected.geometry);
    REQUIRE(map.size() == expected.map.size());
    CHECK(cv::norm(map, expected.map, cv::NORM_INF) < 2e-6 * cv::norm(expected.map, cv::NORM_INF));
  }
}

TEST_CASE("16-bit and colour pictures as in Python") {
  for (const auto& test : Expected()["restore"]) {
    const Case expected = ReadCase(test);
    const cv::Mat png = depth::IsMetric(expected.meaning) ? depth::MetricPng16(expected.map, 1000)
                                                          : depth::RelativePng16(expected.map);
    const auto levels = test["png16"].get<std::vector<uint16_t>>();
    CHECK(std::equal(levels.begin(), levels.end(), png.begin<uint16_t>()));
    const cv::Mat color = depth::ToColor(expected.map, expected.meaning);
    auto colors = test["color"].get<std::vector<uint8_t>>();
    const cv::Mat wanted(color.size(), CV_8UC3, colors.data());
    // A value at a rounding border may take the next of inferno's 256 colours (up to 9 apart).
    CHECK(cv::norm(color, wanted, cv::NORM_INF) <= 9);
    CHECK(cv::norm(color, wanted, cv::NORM_L1) / static_cast<double>(color.total()) < 0.1);
  }
}

TEST_CASE("metres are written in millimetres and stop at the ends of 16 bits") {
  const cv::Mat map = (cv::Mat_<float>(1, 5) << 0.0F, 1.2344F, 1.2346F, 70.0F, -3.0F);
  const cv::Mat png = depth::MetricPng16(map, 1000);
  CHECK(png.at<uint16_t>(0) == 0);
  CHECK(png.at<uint16_t>(1) == 1234);
  CHECK(png.at<uint16_t>(2) == 1235);
  CHECK(png.at<uint16_t>(3) == 65535);
  CHECK(png.at<uint16_t>(4) == 0);
}

TEST_CASE("maps that are constant or not finite make pictures all the same") {
  const float nan = std::nanf(""), infinity = INFINITY;
  const cv::Mat flat(3, 4, CV_32F, cv::Scalar(2));
  const cv::Mat odd = (cv::Mat_<float>(1, 4) << nan, 1.0F, infinity, 2.0F);
  CHECK(cv::countNonZero(depth::RelativePng16(flat)) == 0);
  for (const auto meaning : {depth::Meaning::kDepth, depth::Meaning::kInverseDepth}) {
    CHECK(depth::ToColor(flat, meaning).size() == flat.size());
    const cv::Mat color = depth::ToColor(odd, meaning);
    CHECK(color.at<cv::Vec3b>(0) == cv::Vec3b(0, 0, 0));
    CHECK(depth::MetricPng16(odd, 1000).size() == odd.size());
    CHECK(depth::RelativePng16(odd).size() == odd.size());
  }
  CHECK(depth::ToColor(cv::Mat(2, 2, CV_32F, cv::Scalar(nan)), depth::Meaning::kDepth).total() ==
        4);
}

TEST_CASE("without a photo the map keeps the network's size") {
  const cv::Mat output(2, 3, CV_32F, cv::Scalar(0));
  const cv::Mat map = depth::Restore(output, depth::Meaning::kLogDepth, {});
  CHECK(map.size() == output.size());
  CHECK(map.at<float>(1, 2) == 1);
}

TEST_CASE("percentiles as numpy's") {
  const auto& test = Expected()["percentiles"];
  for (const auto& [percent, value] : test["at"].items()) {
    auto values = test["values"].get<std::vector<float>>();
    CHECK(depth::Percentile(&values, std::stod(percent)) == doctest::Approx(value.get<double>()));
  }
}

TEST_CASE("PFM is little-endian and bottom-up") {
  const cv::Mat map = (cv::Mat_<float>(2, 1) << 1.0F, -2.0F);
  const std::string bytes("Pf\n1 2\n-1.000000\n\x00\x00\x00\xc0\x00\x00\x80\x3f", 25);
  CHECK(depth::EncodePfm(map) == bytes);
}

TEST_CASE("disparity becomes metres, and depth another unit") {
  const cv::Mat map = (cv::Mat_<float>(1, 4) << 0.5F, 0.0F, -2.0F, 5.4F);
  const cv::Mat metres = depth::ToDepth(map, depth::Meaning::kDisparity, 5.4);
  CHECK(metres.at<float>(0) == doctest::Approx(10.8));
  CHECK(std::isinf(metres.at<float>(1)));
  CHECK(std::isinf(metres.at<float>(2)));
  CHECK(metres.at<float>(3) == doctest::Approx(1));
  const cv::Mat png = depth::MetricPng16(metres, 256);
  CHECK(png.at<uint16_t>(0) == 2765);  // 10.8 * 256, rounded
  CHECK(png.at<uint16_t>(1) == 0);
  CHECK(png.at<uint16_t>(3) == 256);
  const cv::Mat depth = depth::ToDepth(map, depth::Meaning::kDepth, 2);
  CHECK(depth.at<float>(2) == -4);
}
