#include "pipeline.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <thread>

#include "queue.h"
#include "support.h"

namespace {

// Answers with the sum of each image, and keeps the batches that it was given.
class FakeNetwork : public depth::Network {
 public:
  explicit FakeNetwork(std::vector<int64_t>* batches, int64_t fixed = -1)
      : batches_(batches), fixed_(fixed) {}
  std::vector<depth::PortInfo> Inputs() override { return {{"image", {fixed_, 3, 1, 2}}}; }
  std::vector<depth::Tensor> Run(const std::vector<depth::TensorView>& inputs) override {
    const int64_t batch = inputs[0].shape[0];
    batches_->push_back(batch);
    depth::Tensor sums{"sum", {batch, 1, 1, 1}, {}};
    for (int64_t k = 0; k < batch; ++k) {
      const float* image = inputs[0].values + 6 * k;
      sums.values.push_back(image[0] + image[1] + image[2] + image[3] + image[4] + image[5]);
      if (sums.values.back() < 0) throw std::runtime_error("the card is gone");
    }
    return {sums};
  }

 private:
  std::vector<int64_t>* batches_;
  const int64_t fixed_;
};

depth::Sidecar MakeSidecar(int64_t batch) {
  depth::Sidecar sidecar;
  sidecar.path = "fake.json";
  depth::InputSpec input;
  input.name = "image";
  input.shape = {batch, 3, 1, 2};
  sidecar.inputs = {input};
  depth::OutputSpec output;
  output.name = "sum";
  output.shape = {batch, 1, 1, 1};
  output.meaning = depth::Meaning::kDepth;
  sidecar.outputs = {output};
  return sidecar;
}

struct Run {
  ScratchFolder folder;
  std::vector<int64_t> batches;
  std::vector<std::string> bad;
  std::vector<size_t> progress;
  depth::PipelineOptions options;
  int64_t declared_batch = -1;

  void AddBin(int index, float value, size_t count = 6) {
    const std::vector<float> values(count, value);
    char name[32];
    std::snprintf(name, sizeof(name), "in/%05d.bin", index);
    folder.Write(name, {reinterpret_cast<const char*>(values.data()), count * sizeof(float)});
  }

  depth::Statistics operator()() {
    std::vector<depth::Stage> stages;
    stages.push_back({MakeSidecar(declared_batch), std::make_unique<FakeNetwork>(&batches)});
    depth::Chain chain(std::move(stages));
    depth::ResultWriter writer(folder / "out", {}, chain.Last());
    const depth::Observer observer = {[this](size_t done) { progress.push_back(done); },
                                      [this](const std::string& line) { bad.push_back(line); }};
    const auto plan = depth::MakePlan(depth::ListInputs({folder / "in"}), chain.Slots());
    return depth::RunPipeline(plan, &chain, &writer, options, observer);
  }

  // The number in a result, or -1 when there is none.
  float Result(int index) const {
    char name[32];
    std::snprintf(name, sizeof(name), "%05d_0.bin", index);
    if (!std::filesystem::exists(folder / "out" / name)) return -1;
    const auto bytes = depth::ReadBytes(folder / "out" / name);
    float value = 0;
    REQUIRE(bytes.size() == sizeof(value));
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
};

}  // namespace

TEST_CASE("every file gets its own result, whatever the batch and the number of threads") {
  for (const int batch : {1, 3}) {
    for (const int workers : {1, 4}) {
      Run run;
      run.options.batch = batch;
      run.options.workers = workers;
      for (int i = 0; i < 50; ++i) run.AddBin(i, static_cast<float>(i));
      const auto statistics = run();
      CHECK(statistics.images == 50);
      CHECK(statistics.bad == 0);
      CHECK(statistics.call_ms.size() == static_cast<size_t>((50 + batch - 1) / batch));
      for (int i = 0; i < 50; ++i) CHECK(run.Result(i) == static_cast<float>(6 * i));
      CHECK(run.progress.back() == 50);
      CHECK(std::is_sorted(run.progress.begin(), run.progress.end()));
    }
  }
}

TEST_CASE("a fixed batch is always given whole") {
  Run run;
  run.declared_batch = 4;
  run.options.batch = 4;
  for (int i = 0; i < 6; ++i) run.AddBin(i, 1);
  run();
  CHECK(run.batches == std::vector<int64_t>{4, 4});
  CHECK(run.Result(5) == 6);
}

TEST_CASE("the first bad file stops the run after everything before it") {
  Run run;
  run.options.workers = 3;
  for (int i = 0; i < 40; ++i) run.AddBin(i, 1, i == 20 || i == 30 ? 5 : 6);
  const std::string error = InputErrorOf([&] { run(); });
  CHECK(Contains(error, "00020.bin: holds 20 bytes"));
  for (int i = 0; i < 40; ++i) CHECK((run.Result(i) >= 0) == (i < 20));
}

TEST_CASE("with skip_bad all good files are done and the bad ones named") {
  Run run;
  run.options.skip_bad = true;
  run.options.batch = 2;
  for (int i = 0; i < 10; ++i) run.AddBin(i, 1, i % 3 == 0 ? 5 : 6);
  const auto statistics = run();
  CHECK(statistics.images == 6);
  CHECK(statistics.bad == 4);
  REQUIRE(run.bad.size() == 4);
  CHECK(Contains(run.bad[1], "00003.bin"));
  for (int i = 0; i < 10; ++i) CHECK((run.Result(i) >= 0) == (i % 3 != 0));
}

TEST_CASE("a failing network or disk ends the run with its own words") {
  Run run;
  for (int i = 0; i < 30; ++i) run.AddBin(i, i == 7 ? -1.0F : 1.0F);
  CHECK_THROWS_WITH_AS(run(), "the card is gone", std::runtime_error);
  CHECK(run.Result(6) == 6);

  Run full;
  for (int i = 0; i < 30; ++i) full.AddBin(i, 1);
  std::filesystem::create_directories(full.folder / "out" / "00003_0.bin");
  CHECK_THROWS_WITH_AS(full(), doctest::Contains("00003_0.bin: cannot be written"),
                       std::runtime_error);
}

namespace {

// Answers with the first value of each frame; its inputs are the frames -1, 0, 2.
class Triple : public depth::Network {
 public:
  std::vector<depth::PortInfo> Inputs() override {
    return std::vector<depth::PortInfo>(3, {"image", {-1, 3, 1, 2}});
  }
  std::vector<depth::Tensor> Run(const std::vector<depth::TensorView>& inputs) override {
    const int64_t batch = inputs[0].shape[0];
    depth::Tensor firsts{"firsts", {batch, 3}, {}};
    for (int64_t k = 0; k < batch; ++k) {
      for (const auto& input : inputs) firsts.values.push_back(input.values[6 * k]);
    }
    return {firsts};
  }
};

depth::Stage TripleStage() {
  depth::Sidecar sidecar = MakeSidecar(-1);
  sidecar.inputs.resize(3, sidecar.inputs[0]);
  sidecar.inputs[0].frame = -1;
  sidecar.inputs[2].frame = 2;
  sidecar.image.resize.height = 1;
  sidecar.image.resize.width = 2;
  sidecar.outputs[0].shape = {-1, 3};
  return {sidecar, std::make_unique<Triple>()};
}

cv::Mat Grey(int value) { return cv::Mat(1, 2, CV_8UC3, cv::Scalar::all(value)); }

// Images whose pixels are their number; the numbers in the result of each, if it has one.
std::map<int, std::vector<float>> Triples(int count, const std::vector<int>& bad, int batch,
                                          depth::Statistics* statistics) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder / "in");
  for (int i = 0; i < count; ++i) {
    cv::imwrite(folder / ("in/" + std::to_string(i) + ".png"), Grey(i));
  }
  for (const int i : bad) folder.Write("in/" + std::to_string(i) + ".png", "broken");
  std::vector<depth::Stage> stages;
  stages.push_back(TripleStage());
  depth::Chain chain(std::move(stages));
  depth::ResultWriter writer(folder / "out", {}, chain.Last());
  depth::PipelineOptions options;
  options.batch = batch;
  options.workers = 3;
  options.skip_bad = true;
  const depth::Observer observer = {[](size_t) {}, [](const std::string&) {}};
  const auto plan = depth::MakePlan(depth::ListInputs({folder / "in"}), chain.Slots());
  *statistics = depth::RunPipeline(plan, &chain, &writer, options, observer);
  std::map<int, std::vector<float>> results;
  for (int i = 0; i < count; ++i) {
    const auto path = folder / "out" / (std::to_string(i) + "_0.bin");
    if (!std::filesystem::exists(path)) continue;
    const auto bytes = depth::ReadBytes(path);
    results[i].resize(bytes.size() / sizeof(float));
    std::memcpy(results[i].data(), bytes.data(), bytes.size());
  }
  return results;
}

}  // namespace

TEST_CASE("a sample has its own neighbours, whatever the batch") {
  for (const int batch : {1, 4}) {
    depth::Statistics statistics;
    const auto results = Triples(12, {}, batch, &statistics);
    CHECK(statistics.images == 9);
    CHECK(results.size() == 9);
    for (const auto& [i, values] : results) {
      const auto number = static_cast<float>(i);
      CHECK(values == std::vector<float>{number - 1, number, number + 2});
    }
  }
}

TEST_CASE("a bad image takes the samples that need it with it, and no others") {
  depth::Statistics statistics;
  const auto results = Triples(14, {6}, 2, &statistics);
  CHECK(statistics.bad == 1);
  for (int i = 0; i < 14; ++i) {
    const bool is_inside = i >= 1 && i <= 11;
    const bool needs_it = i == 4 || i == 6 || i == 7;
    CAPTURE(i);
    CHECK(results.count(i) == (is_inside && !needs_it ? 1 : 0));
  }
}

TEST_CASE("neighbours are of the same folder") {
  const ScratchFolder folder;
  for (int i = 0; i < 8; ++i) {
    const std::string name = (i < 4 ? "in/a/" : "in/b/") + std::to_string(i) + ".png";
    std::filesystem::create_directories((folder / name).parent_path());
    cv::imwrite(folder / name, Grey(i));
  }
  std::vector<depth::Stage> stages;
  stages.push_back(TripleStage());
  depth::Chain chain(std::move(stages));
  depth::ResultWriter writer(folder / "out", {}, chain.Last());
  const depth::Observer observer = {[](size_t) {}, [](const std::string&) {}};
  const auto plan = depth::MakePlan(depth::ListInputs({folder / "in"}), chain.Slots());
  CHECK(depth::RunPipeline(plan, &chain, &writer, {}, observer).images == 2);
  CHECK(std::filesystem::exists(folder / "out/a/1_0.bin"));
  CHECK(std::filesystem::exists(folder / "out/b/5_0.bin"));
}

TEST_CASE("a card is given whole batches, though the graph takes any") {
  for (const bool full : {false, true}) {
    Run run;
    run.options.batch = 3;
    run.options.full_batches = full;
    for (int i = 0; i < 7; ++i) run.AddBin(i, static_cast<float>(i));
    CHECK(run().images == 7);
    CHECK(run.batches == std::vector<int64_t>{3, 3, full ? 3 : 1});
    for (int i = 0; i < 7; ++i) CHECK(run.Result(i) == static_cast<float>(6 * i));
  }
}

TEST_CASE("warm-up calls are not counted") {
  Run run;
  run.options.warmup = 3;
  run.AddBin(0, 1);
  CHECK(run().call_ms.size() == 1);
  CHECK(run.batches.size() == 4);
}

TEST_CASE("a graph and its sidecar must fit") {
  const auto chain_of = [](depth::Sidecar sidecar) {
    std::vector<int64_t> batches;
    std::vector<depth::Stage> stages;
    stages.push_back({std::move(sidecar), std::make_unique<FakeNetwork>(&batches)});
    return InputErrorOf([&] { depth::Chain chain(std::move(stages)); });
  };
  CHECK(chain_of(MakeSidecar(1)).empty());
  depth::Sidecar wrong = MakeSidecar(1);
  wrong.inputs[0].shape = {1, 3, 5, 5};
  CHECK(Contains(chain_of(wrong), "is [1, 3, 5, 5], in the graph it is [?, 3, 1, 2]"));
  wrong.inputs.push_back(wrong.inputs[0]);
  CHECK(Contains(chain_of(wrong), "lists 2 inputs, the graph has 1"));
}

TEST_CASE("a graph that was converted for one batch decides it, where its sidecar leaves it free") {
  for (const int64_t fixed : {-1, 4}) {
    std::vector<int64_t> batches;
    std::vector<depth::Stage> stages;
    stages.push_back({MakeSidecar(-1), std::make_unique<FakeNetwork>(&batches, fixed)});
    CHECK(depth::Chain(std::move(stages)).FixedBatch() == fixed);
  }
}

TEST_CASE("pictures are refused for outputs that are no depth") {
  const ScratchFolder folder;
  depth::Sidecar sidecar = MakeSidecar(1);
  sidecar.outputs[0].meaning = depth::Meaning::kOther;
  depth::ResultOptions options;
  CHECK_NOTHROW(depth::ResultWriter(folder / "out", options, sidecar));
  options.formats.png = true;
  const auto error = InputErrorOf([&] { depth::ResultWriter(folder / "out", options, sidecar); });
  CHECK(Contains(error, "is no depth"));
  folder.Write("file", "x");
  const auto other = InputErrorOf([&] { depth::ResultWriter(folder / "file", {}, sidecar); });
  CHECK(Contains(other, "cannot be made a folder"));
}

TEST_CASE("the ordered queue holds producers back and keeps the order") {
  depth::OrderedQueue<size_t> queue(3, 100);
  std::atomic<size_t> next{0}, furthest{0};
  std::vector<std::thread> producers;
  for (int i = 0; i < 4; ++i) {
    producers.emplace_back([&] {
      for (size_t k = next++; k < 100; k = next++) {
        if (!queue.Push(k, k)) return;
        furthest = std::max(furthest.load(), k);
      }
    });
  }
  for (size_t k = 0; k < 100; ++k) {
    const auto item = queue.Pop();
    REQUIRE(item.has_value());
    CHECK(*item == k);
    CHECK(furthest <= k + 3);
  }
  CHECK_FALSE(queue.Pop().has_value());
  for (auto& thread : producers) thread.join();
}

TEST_CASE("stopping frees everybody who waits") {
  depth::OrderedQueue<int> ordered(1, 10);
  depth::BoundedQueue<int> bounded(1);
  CHECK(bounded.Push(1));
  std::thread a([&] { CHECK_FALSE(ordered.Push(5, 5)); });
  std::thread b([&] { CHECK_FALSE(ordered.Pop().has_value()); });
  std::thread c([&] { CHECK_FALSE(bounded.Push(2)); });
  ordered.Stop();
  bounded.Stop();
  a.join();
  b.join();
  c.join();
  CHECK_FALSE(bounded.Pop().has_value());
  depth::BoundedQueue<int> closed(2);
  CHECK(closed.Push(1));
  closed.Close();
  CHECK(closed.Pop() == 1);
  CHECK_FALSE(closed.Pop().has_value());
}
