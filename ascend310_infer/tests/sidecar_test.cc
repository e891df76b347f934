#include "sidecar.h"

#include <doctest/doctest.h>

#include "support.h"

using depth::ParseSidecar;

namespace {

nlohmann::json Good() { return Expected()["prepare"][1]["sidecar"]; }

std::string ErrorOf(const nlohmann::json& json) {
  return InputErrorOf([&] { ParseSidecar(json.dump(), "dir/model.json"); });
}

}  // namespace

TEST_CASE("a sidecar is read in full") {
  const depth::Sidecar sidecar = ParseSidecar(Good().dump(), "m.json");
  CHECK(sidecar.model == "pair");
  CHECK(sidecar.graph == "coarse");
  CHECK(sidecar.ImageInput().shape == depth::Shape{1, 3, 24, 32});
  CHECK(sidecar.outputs.at(0).meaning == depth::Meaning::kLogDepth);
  REQUIRE(sidecar.image.crop.has_value());
  CHECK(sidecar.image.crop->reference_height == 48);
  CHECK(sidecar.image.crop->left == 5);
  CHECK(sidecar.image.rgb);
  CHECK(sidecar.image.resize.filter == depth::Filter::kBilinear);
  CHECK(sidecar.image.scale == doctest::Approx(1 / 255.0));
}

TEST_CASE("what is wrong in a sidecar is named with file, key and value") {
  struct Case {
    const char *pointer, *value, *key, *reason;
  };
  const Case cases[] = {
      {"/format", "2", "format", "reads format 1"},
      {"/format", "\"1\"", "format", "expected an integer"},
      {"/model", "7", "model", "expected a string"},
      {"/inputs", "[]", "inputs", "at least one"},
      {"/inputs", "{}", "inputs", "at least one"},
      {"/inputs/0", "3", "inputs[0]", "not an object"},
      {"/inputs/0/shape", "[1,3,0,4]", "inputs[0].shape", "expected 1..32768 or -1"},
      {"/inputs/0/shape", "[1,3,100000,4]", "inputs[0].shape", "expected 1..32768 or -1"},
      {"/inputs/0/shape", "[1,4,5,6]", "inputs[0].shape", "[N, 3, H, W]"},
      {"/inputs/0/shape", "\"x\"", "inputs[0].shape", "list of integers"},
      {"/inputs/0/dtype", "\"float16\"", "inputs[0].dtype", "expected one of float32"},
      {"/inputs/0/layout", "\"NHWC\"", "inputs[0].layout", "expected one of NCHW"},
      {"/inputs/0/source", "\"video\"", "inputs[0].source",
       "image, intrinsics, inverse_intrinsics, previous_output"},
      {"/inputs/0/source", "\"previous_output\"", "inputs", "has 0 image inputs"},
      {"/image/color_order", "\"GBR\"", "image.color_order", "BGR, RGB"},
      {"/image/crop/height", "400", "image.crop.reference_size", "smaller than the window"},
      {"/image/crop/top", "-1", "image.crop.top", "from 0 to 32768"},
      {"/image/crop/reference_size", "[3]", "image.crop.reference_size", "[height, width]"},
      {"/image/resize/height", "0", "image.resize.height", "from 1 to 32768"},
      {"/image/resize/height", "2.5", "image.resize.height", "expected an integer"},
      {"/image/resize/interpolation", "\"area\"", "image.resize.interpolation", "bicubic"},
      {"/image/resize/method", "\"fit\"", "image.resize.method", "lower_bound"},
      {"/image/std", "[1,0,1]", "image.std", "not above 0"},
      {"/image/mean", "[1,2]", "image.mean", "three numbers"},
      {"/image/scale", "null", "image.scale", "a number"},
      {"/outputs/0/dtype", "\"int8\"", "outputs[0].dtype", "float32"},
  };
  for (const Case& wrong : cases) {
    nlohmann::json json = Good();
    json[nlohmann::json::json_pointer(wrong.pointer)] = nlohmann::json::parse(wrong.value);
    const std::string error = ErrorOf(json);
    CAPTURE(error);
    CAPTURE(wrong.pointer);
    CHECK(Contains(error, "dir/model.json: "));
    CHECK(Contains(error, wrong.key));
    CHECK(Contains(error, wrong.reason));
    CHECK_FALSE(Contains(error, "\n"));
  }
}

namespace {

// A graph that sees two frames, the camera and another graph's output, and gives a pose.
nlohmann::json Video() {
  nlohmann::json json = Good();
  const nlohmann::json image = json["inputs"][0];
  json["inputs"] = {image, image, image, image};
  json["inputs"][1].update({{"name", "before"}, {"frame", -1}});
  json["inputs"][2].update({{"name", "K"}, {"source", "intrinsics"}, {"shape", {1, 3, 3}}});
  json["inputs"][3].update({{"source", "previous_output"}, {"output", "d"}, {"shape", {1, 7}}});
  json["outputs"][0].update({{"meaning", "pose"}, {"shape", {1, 2, 6}}, {"metric_scale", 5.4}});
  json["outputs"][0]["pose"] = {
      {"rotation", "euler_xyz"}, {"layout", "translation_rotation"}, {"pairs", {{0, -1}, {0, 1}}}};
  json["intrinsics"] = {{"fx", 5.0}, {"fy", 4},    {"cx", -1.5},
                        {"cy", 2.0}, {"width", 8}, {"height", 6}};
  return json;
}

}  // namespace

TEST_CASE("frames, camera, poses and scales are read") {
  const depth::Sidecar sidecar = ParseSidecar(Video().dump(), "m.json");
  REQUIRE(sidecar.inputs.size() == 4);
  CHECK(sidecar.inputs[0].frame == 0);
  CHECK(sidecar.inputs[1].frame == -1);
  CHECK(sidecar.inputs[2].source == depth::Source::kIntrinsics);
  CHECK(sidecar.inputs[3].output == "d");
  const depth::OutputSpec& output = sidecar.outputs[0];
  CHECK(output.meaning == depth::Meaning::kPose);
  CHECK(output.metric_scale == 5.4);
  CHECK(output.levels_per_metre == 1000);
  CHECK(output.pose.euler);
  CHECK(output.pose.translation_first);
  REQUIRE(output.pose.pairs.size() == 2);
  CHECK(output.pose.pairs[1].from == 0);
  CHECK(output.pose.pairs[1].to == 1);
  REQUIRE(sidecar.intrinsics.has_value());
  CHECK(sidecar.intrinsics->fy == 4);
  CHECK(sidecar.intrinsics->cx == -1.5);
  CHECK(sidecar.intrinsics->width == 8);
  const ScratchFolder folder;
  const auto camera = depth::LoadIntrinsics(folder.Write("k.json", Video()["intrinsics"].dump()));
  CHECK(camera.height == 6);
}

TEST_CASE("what is wrong in a sidecar of several images is named") {
  struct Case {
    const char *pointer, *value, *key, *reason;
  };
  const Case cases[] = {
      {"/inputs/1/frame", "17", "inputs[1].frame", "from -16 to 16"},
      {"/inputs/1/frame", "0.5", "inputs[1].frame", "expected an integer"},
      {"/inputs/1/shape", "[1,3,24,33]", "inputs", "images of two shapes"},
      {"/inputs/2/shape", "[1,3,4]", "inputs[2].shape", "intrinsics need [N, 3, 3]"},
      {"/inputs/3/output", "3", "inputs[3].output", "expected a string"},
      {"/outputs/0/metric_scale", "0", "outputs[0].metric_scale", "above 0"},
      {"/outputs/0/metric_scale", "\"x\"", "outputs[0].metric_scale", "above 0"},
      {"/outputs/0/levels_per_metre", "-1", "outputs[0].levels_per_metre", "above 0"},
      {"/outputs/0/shape", "[1,6]", "outputs[0].shape", "2 pairs of frames need [N, 2, 6]"},
      {"/outputs/0/shape", "[1,6,2]", "outputs[0].shape", "2 pairs of frames need [N, 2, 6]"},
      {"/outputs/0/pose/rotation", "\"quaternion\"", "outputs[0].pose.rotation", "axis_angle"},
      {"/outputs/0/pose/layout", "\"\"", "outputs[0].pose.layout", "translation_rotation"},
      {"/outputs/0/pose/pairs", "[[0,1],[1,1]]", "outputs[0].pose.pairs", "no two frames"},
      {"/outputs/0/pose/pairs", "[[0,1],[1,99]]", "outputs[0].pose.pairs", "no two frames"},
      {"/outputs/0/pose/pairs", "[[0]]", "outputs[0].pose.pairs", "list of [from, to]"},
      {"/outputs/0/pose/pairs", "[]", "outputs[0].shape", "0 pairs"},
      {"/outputs/0/pose", "7", "outputs[0].pose", "not an object"},
      {"/outputs/0/meaning", "\"flow\"", "outputs[0].shape", "flow needs [N, 2, H, W]"},
      {"/intrinsics/fx", "0", "intrinsics.fx", "above 0"},
      {"/intrinsics/cx", "null", "intrinsics.cx", "expected a number"},
      {"/intrinsics/width", "2.5", "intrinsics.width", "expected an integer"},
      {"/intrinsics", "[]", "intrinsics", "not an object"},
  };
  for (const Case& wrong : cases) {
    nlohmann::json json = Video();
    json[nlohmann::json::json_pointer(wrong.pointer)] = nlohmann::json::parse(wrong.value);
    const std::string error = ErrorOf(json);
    CAPTURE(error);
    CAPTURE(wrong.pointer);
    CHECK(Contains(error, std::string("dir/model.json: ") + wrong.key));
    CHECK(Contains(error, wrong.reason));
  }
  const ScratchFolder folder;
  for (const char* text : {"", "[]", "{}", "{\"fx\": 1}", "fx fy"}) {
    const auto path = folder.Write("k.json", text);
    CHECK(Contains(InputErrorOf([&] { depth::LoadIntrinsics(path); }), "k.json: "));
  }
}

TEST_CASE("every key is needed") {
  const nlohmann::json flat = Good().flatten();
  for (const auto& entry : flat.items()) {
    const nlohmann::json::json_pointer pointer(entry.key());
    const std::string key = pointer.back();
    if (std::isdigit(static_cast<unsigned char>(key[0]))) continue;
    nlohmann::json json = Good();
    json[pointer.parent_pointer()].erase(key);
    CAPTURE(entry.key());
    CHECK(Contains(ErrorOf(json), key + " is missing"));
  }
}

TEST_CASE("text that is no JSON, and files that are not there") {
  const std::string text = Good().dump();
  for (size_t length = 0; length < text.size(); length += 7) {
    const auto error = InputErrorOf([&] { ParseSidecar(text.substr(0, length), "m.json"); });
    CHECK(Contains(error, "not readable as JSON"));
  }
  CHECK(Contains(InputErrorOf([] { depth::LoadSidecar("nowhere/x.json"); }), "no such file"));
  CHECK(Contains(InputErrorOf([] { ParseSidecar("[1]", "m.json"); }), "not an object"));
}

TEST_CASE("shapes") {
  CHECK(depth::ToString({1, -1, 3}) == "[1, ?, 3]");
  CHECK(depth::Compatible({-1, 3}, {4, 3}));
  CHECK_FALSE(depth::Compatible({1, 3}, {4, 3}));
  CHECK_FALSE(depth::Compatible({1, 3}, {1, 3, 1}));
  CHECK(depth::SidecarPath("a/b.mindir") == "a/b.json");
}
