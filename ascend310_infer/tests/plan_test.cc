// Which files make a sample, and graphs that feed each other.
#include "plan.h"

#include <doctest/doctest.h>

#include "support.h"

namespace {

std::vector<depth::Slot> SlotsOf(const std::vector<int>& frames) {
  std::vector<depth::Slot> slots;
  for (const int frame : frames) {
    const std::string name = frame == 0 ? "image" : frame < 0 ? "old_image" : "next";
    slots.push_back({name, depth::Source::kImage, frame, {1, 3, 2, 2}});
  }
  return slots;
}

depth::Plan PlanOf(const ScratchFolder& folder, const std::vector<std::string>& names,
                   const std::vector<int>& frames) {
  for (const std::string& name : names) folder.Write(name, "x");
  return depth::MakePlan(depth::ListInputs({folder.path()}), SlotsOf(frames));
}

std::vector<std::string> Stems(const depth::Plan& plan) {
  std::vector<std::string> stems;
  for (const depth::Unit& unit : plan.units) stems.push_back(unit.file.stem.string());
  return stems;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the ends of each folder are left out and counted") {
  const ScratchFolder folder;
  const Names names = {"a/1.png", "a/2.png", "a/3.png", "a/4.png", "b/1.png", "c/x.jpg", "c/y.jpg"};
  const depth::Plan plan = PlanOf(folder, names, {-1, 0, 1});
  CHECK(plan.span.first == -1);
  CHECK(plan.span.last == 1);
  CHECK(plan.samples == 2);
  CHECK(plan.ends == 5);
  CHECK(plan.units[3].position == 3);
  CHECK(plan.units[4].sequence == plan.units[3].sequence + 1);
  const depth::Plan pair = PlanOf(folder, {}, {0, 1});
  CHECK(pair.samples == 4);
  CHECK(pair.ends == 3);
  const depth::Plan far = PlanOf(folder, {}, {-2, -1});  // frame 0 names the result
  CHECK(far.span.last == 0);
  CHECK(far.samples == 2);
  const depth::Plan single = PlanOf(folder, {}, {0});
  CHECK(single.samples == 7);
  CHECK(single.ends == 0);
}

TEST_CASE("a sequence is in order of its numbers, and not broken by a folder inside") {
  const ScratchFolder folder;
  const auto plan = PlanOf(folder, {"10.png", "9.png", "a/1.png", "a/2.png", "008.png"}, {0, 1});
  CHECK(Stems(plan) == Names{"008", "9", "10", "a/1", "a/2"});
  const ScratchFolder named;
  CHECK(Stems(PlanOf(named, {"f10.png", "f9.png", "f/x.png", "f/y.png", "z.png"}, {0, 1})) ==
        Names{"f/x", "f/y", "f10", "f9", "z"});
  const auto listed =
      depth::MakePlan(depth::ListInputs({folder / "10.png", folder / "9.png", folder / "008.png"}),
                      SlotsOf({0, 1}));
  CHECK(Stems(listed) == Names{"10", "9", "008"});  // the user's order
  const auto single = PlanOf(folder, {}, {0});
  CHECK(Stems(single) == Names{"008", "10", "9", "a/1", "a/2"});
}

TEST_CASE("sequences that are too short are an error") {
  const ScratchFolder folder;
  const auto error = InputErrorOf([&] { PlanOf(folder, {"a.png", "b.png"}, {-1, 0, 1}); });
  CHECK(Contains(error, "images -1 to 1 of a sequence, and no folder holds 3"));
}

TEST_CASE("tensors of one sample belong together") {
  const ScratchFolder folder;
  const Names names = {"s/k1_image.bin", "s/k1_next.bin", "s/k1_old_image.bin",
                       "s/k2_image.bin", "s/k2_next.bin", "s/k2_old_image.bin"};
  const depth::Plan plan = PlanOf(folder, names, {-1, 0, 1});
  CHECK(Stems(plan) == Names{"s/k1", "s/k2"});
  CHECK(plan.samples == 2);
  CHECK(plan.ends == 0);
  CHECK(plan.units[0].position == 1);  // as an image would be numbered whose neighbours exist
  CHECK(plan.units[1].position == 2);
  REQUIRE(plan.units[1].tensors.size() == 3);
  CHECK(plan.units[1].tensors[0] == folder / "s/k2_old_image.bin");
  CHECK(plan.units[1].tensors[1] == folder / "s/k2_image.bin");
  CHECK(plan.units[1].tensors[2] == folder / "s/k2_next.bin");
  std::filesystem::remove(folder / "s/k2_next.bin");
  const auto missing = InputErrorOf([&] { PlanOf(folder, {}, {-1, 0, 1}); });
  CHECK(Contains(missing, "s/k2_next.bin is missing; a sample is made of <name>_old_image, "));
  const auto foreign = InputErrorOf([&] { PlanOf(folder, {"s/k2.bin"}, {-1, 0, 1}); });
  CHECK(Contains(foreign, "k2.bin: its name ends with none of the graph's inputs"));
  const auto bare = InputErrorOf([&] { PlanOf(folder, {"s/_image.bin"}, {-1, 0, 1}); });
  CHECK(Contains(bare, "_image.bin: its name ends with none"));
  const ScratchFolder single;
  CHECK(Stems(PlanOf(single, {"k_image.bin"}, {0})) == Names{"k_image"});
}

TEST_CASE("a sample of tensors and an image of one name are refused") {
  const ScratchFolder folder;
  const auto error = InputErrorOf([&] {
    PlanOf(folder, {"a.png", "a_image.bin", "a_next.bin"}, {0, 1});
  });
  CHECK(Contains(error, "would overwrite"));
}

namespace {

// Every output is the sum of all inputs' first values plus its own number.
class Sums : public depth::Network {
 public:
  Sums(const depth::Sidecar& sidecar, size_t outputs) : sidecar_(sidecar), outputs_(outputs) {}
  std::vector<depth::PortInfo> Inputs() override {
    std::vector<depth::PortInfo> ports;
    for (const auto& input : sidecar_.inputs) ports.push_back({input.name, input.shape});
    return ports;
  }
  std::vector<depth::Tensor> Run(const std::vector<depth::TensorView>& views) override {
    float sum = 0;
    for (const auto& view : views) sum += view.values[0];
    std::vector<depth::Tensor> outputs;
    for (size_t k = 0; k < outputs_; ++k) {
      const std::vector<float> values(4, sum + static_cast<float>(k));
      outputs.push_back({sidecar_.outputs[0].name, {1, 1, 2, 2}, values});
    }
    return outputs;
  }

 private:
  depth::Sidecar sidecar_;
  size_t outputs_;
};

struct GraphSpec {
  std::vector<int> frames;
  std::vector<std::string> previous;  // names of outputs; "" for the one before
  std::vector<std::string> outputs;
};

depth::Stage StageOf(const GraphSpec& graph) {
  depth::Sidecar sidecar;
  sidecar.path = graph.outputs.front() + ".json";
  for (const int frame : graph.frames) {
    depth::InputSpec input;
    input.name = "frame" + std::to_string(frame);
    input.shape = {1, 3, 2, 2};
    input.frame = frame;
    sidecar.inputs.push_back(input);
  }
  for (const std::string& name : graph.previous) {
    depth::InputSpec input;
    input.name = "previous";
    input.shape = {1, 1, 2, 2};
    input.source = depth::Source::kPreviousOutput;
    input.output = name;
    sidecar.inputs.push_back(input);
  }
  for (const std::string& name : graph.outputs) {
    depth::OutputSpec output;
    output.name = name;
    output.shape = {1, 1, 2, 2};
    sidecar.outputs.push_back(output);
  }
  auto network = std::make_unique<Sums>(sidecar, graph.outputs.size());
  return {sidecar, std::move(network)};
}

depth::Chain ChainOf(const std::vector<GraphSpec>& graphs) {
  std::vector<depth::Stage> stages;
  for (const GraphSpec& graph : graphs) stages.push_back(StageOf(graph));
  return depth::Chain(std::move(stages));
}

}  // namespace

TEST_CASE("a later graph takes outputs of any graph before it by name") {
  depth::Chain chain =
      ChainOf({{{0}, {}, {"a", "b"}}, {{0, 1}, {}, {"c"}}, {{1}, {"b", ""}, {"d"}}});
  REQUIRE(chain.Slots().size() == 2);
  CHECK(chain.Slots()[0].name == "frame0");
  CHECK(chain.Slots()[1].frame == 1);
  const std::vector<float> now(12, 1), next(12, 10);
  const depth::Shape shape = {1, 3, 2, 2};
  const auto outputs = chain.Run({{now.data(), shape}, {next.data(), shape}});
  // d = next + b + c; b = now + 1, c = now + next.
  CHECK(outputs.at(0).values.at(0) == 10 + (1 + 1) + (1 + 10));
}

TEST_CASE("graphs that do not follow each other are named") {
  const auto error = [](const std::vector<GraphSpec>& graphs) {
    return InputErrorOf([&] { ChainOf(graphs); });
  };
  CHECK(error({{{0}, {}, {"a"}}, {{0}, {"a"}, {"b"}}}).empty());
  CHECK(Contains(error({{{0}, {"x"}, {"a"}}}), "is another graph's output"));
  CHECK(Contains(error({{{0}, {}, {"a"}}, {{0}, {"x"}, {"b"}}}), "output x of another graph"));
  CHECK(Contains(error({{{0}, {}, {"a"}}, {{0}, {}, {"b"}}}),
                 "a.json: no graph after it takes what it gives"));
}
