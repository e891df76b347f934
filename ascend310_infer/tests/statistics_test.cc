#include "statistics.h"

#include <doctest/doctest.h>

#include "options.h"
#include "support.h"

TEST_CASE("the report has the originals' line, percentiles and the rate") {
  depth::Statistics statistics;
  for (int i = 1; i <= 100; ++i) statistics.call_ms.push_back(i);
  statistics.images = 200;
  statistics.seconds = 4;
  const std::string report = depth::Report(statistics);
  CHECK(Contains(report, "NN inference cost average time: 25.250 ms of infer_count 200\n"));
  CHECK(Contains(report, "p50 50.000 ms, p95 95.000 ms, p99 99.000 ms"));
  CHECK(Contains(report, "50.000 images/s"));
  CHECK(Contains(depth::Report({}), "0.000 ms of infer_count 0"));
}

TEST_CASE("nearest rank") {
  CHECK(depth::NearestRank({3, 1, 2}, 50) == 2);
  CHECK(depth::NearestRank({3, 1, 2}, 99) == 3);
  CHECK(depth::NearestRank({3, 1, 2}, 0) == 1);
}

namespace {

std::optional<depth::Options> Parse(std::vector<std::string> words, int* exit_code) {
  std::vector<char*> argv;
  words.insert(words.begin(), "main");
  for (auto& word : words) argv.push_back(word.data());
  return depth::ParseOptions(static_cast<int>(argv.size()), argv.data(), exit_code);
}

}  // namespace

TEST_CASE("flags") {
  int exit_code = -1;
  const auto options = Parse({"--mindir", "a", "--fine_mindir=b", "--input", "x", "y", "--device",
                              "CPU", "--device_id", "3", "--formats", "png,color,ply", "--batch",
                              "4", "--skip_bad", "--metric_scale", "5.4", "--intrinsics", "k.json"},
                             &exit_code);
  REQUIRE(options.has_value());
  CHECK(options->graphs == std::vector<std::filesystem::path>{"a", "b"});
  CHECK(options->input.size() == 2);
  CHECK(options->runtime.device == depth::Device::kCpu);
  CHECK(options->runtime.device_id == 3);
  CHECK_FALSE(options->results.formats.bin);
  CHECK(options->results.formats.png);
  CHECK(options->results.formats.color);
  CHECK(options->results.formats.ply);
  CHECK_FALSE(options->results.formats.flo);
  CHECK(options->results.metric_scale == 5.4);
  CHECK(options->intrinsics_file == "k.json");
  CHECK(options->pipeline.batch == 4);
  CHECK(options->pipeline.skip_bad);
  const auto card = Parse({"--mindir", "a", "--input", "x"}, &exit_code);
  REQUIRE(card.has_value());
  CHECK(card->runtime.device == depth::Device::kAscend310);
  CHECK(card->results.formats.bin);
  CHECK_FALSE(card->results.metric_scale.has_value());
  const auto three = Parse({"--mindir", "a", "b", "c", "--input", "x"}, &exit_code);
  REQUIRE(three.has_value());
  CHECK(three->graphs == std::vector<std::filesystem::path>{"a", "b", "c"});
}

TEST_CASE("wrong flags end with 2, help with 0") {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--mindir", "a"},
      {"--input", "a"},
      {"--mindir", "a", "--input", "b", "--devise", "CPU"},
      {"--mindir", "a", "--input", "b", "--device", "GPU"},
      {"--mindir", "a", "--input", "b", "--device_id", "-1"},
      {"--mindir", "a", "--input", "b", "--batch", "x"},
      {"--mindir", "a", "--input", "b", "--threads", "0"},
      {"--mindir", "a", "--input", "b", "--formats", "gif"},
      {"--mindir", "a", "--input", "b", "--metric_scale", "-1"},
      {"--fine_mindir", "a"},
      {"stray", "--mindir", "a", "--input", "b"}};
  for (const auto& words : wrong) {
    int exit_code = -1;
    CHECK_FALSE(Parse(words, &exit_code).has_value());
    CHECK(exit_code == 2);
  }
  int exit_code = -1;
  CHECK_FALSE(Parse({"--help"}, &exit_code).has_value());
  CHECK(exit_code == 0);
}
