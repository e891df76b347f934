#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <thread>

namespace depth {
namespace {

constexpr int kMostWorkers = 4;  // more threads decode faster than any card infers

Device ToDevice(const std::string& name) {
  if (name == Name(Device::kCpu)) return Device::kCpu;
  return name == Name(Device::kAscend310P) ? Device::kAscend310P : Device::kAscend310;
}

Formats ToFormats(const std::vector<std::string>& names) {
  const auto has = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return {has("bin"), has("png"), has("pfm"), has("color"), has("ply"), has("flo"), has("tum")};
}

}  // namespace

std::optional<Options> ParseOptions(int argc, char** argv, int* exit_code) {
  Options options;
  options.runtime.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::string> formats = {"bin"};
  int batch = 0;
  double metric_scale = 0;
  std::filesystem::path intrinsics;
  std::string device = Name(options.runtime.device);
  const std::vector<std::string> devices = {Name(Device::kAscend310), Name(Device::kAscend310P),
                                            Name(Device::kCpu)};
  CLI::App app{
      "Runs an exported depth network over images. Exit code: 0 done, 1 failed while "
      "running, 2 wrong arguments or input."};
  app.option_defaults()->always_capture_default();
  std::vector<std::filesystem::path> fine;
  app.add_option(
      "--mindir", options.graphs,
      "exported or converted graphs, in the order in which they run; each .json beside its "
      "graph");
  app.add_option("--fine_mindir", fine, "one more graph, after those of --mindir");
  app.add_option("--input", options.input, "images, .bin tensors, or folders of them");
  app.add_option("--output", options.output, "folder of the results");
  app.add_option("--time_result", options.time_result, "folder of test_perform_static.txt");
  app.add_option("--device", device, "where the graphs run")->check(CLI::IsMember(devices));
  app.add_option("--device_id", options.runtime.device_id, "number of the card")
      ->check(CLI::Range(0, 1023));
  app.add_option("--threads", options.runtime.threads,
                 "threads of the CPU runtime; at most 4 of them decode, and as many write")
      ->check(CLI::Range(1, 1024));
  app.add_option("--precision", options.runtime.precision,
                 "float type on a card; without it the runtime's own choice, enforce_fp16")
      ->check(CLI::IsMember({"enforce_fp32", "preferred_fp32", "enforce_fp16", "enforce_origin",
                             "preferred_optimal"}));
  app.add_option("--batch", batch, "images a call; 0: as the graph was exported")
      ->check(CLI::Range(0, 1024));
  app.add_option("--warmup", options.pipeline.warmup, "calls before the clock starts")
      ->check(CLI::Range(0, 1000000));
  app.add_option("--formats", formats,
                 "bin (raw output); of depth png (16 bits), pfm, color, ply (points); of flow flo, "
                 "png (KITTI's), color; of poses tum (trajectory.txt)")
      ->delimiter(',')
      ->check(CLI::IsMember({"bin", "png", "pfm", "color", "ply", "flo", "tum"}));
  app.add_option(
         "--metric_scale", metric_scale,
         "metres = this / disparity, or this * depth or translation; 0: as the sidecar says")
      ->check(CLI::Range(0.0, 1e9));
  app.add_option("--intrinsics", intrinsics,
                 "camera for ply and for graphs that take it: JSON with fx, fy, cx, cy, width, "
                 "height in pixels; before the sidecar's");
  app.add_flag("--skip_bad", options.pipeline.skip_bad,
               "leave bad files out and go on (the exit code is 2 all the same)");
  try {
    app.parse(argc, argv);
    // Not by ->required(): that would be said instead of the name of a mistyped flag.
    if (options.graphs.empty()) throw CLI::RequiredError("--mindir");
    if (options.input.empty()) throw CLI::RequiredError("--input");
    if (!options.runtime.precision.empty() && ToDevice(device) == Device::kCpu) {
      throw CLI::ValidationError("--precision", "only on a card; the CPU computes in float32");
    }
  } catch (const CLI::ParseError& error) {
    *exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  options.runtime.device = ToDevice(device);
  options.graphs.insert(options.graphs.end(), fine.begin(), fine.end());
  options.results.formats = ToFormats(formats);
  if (metric_scale > 0) options.results.metric_scale = metric_scale;
  if (!intrinsics.empty()) options.intrinsics_file = intrinsics;
  options.pipeline.batch = batch;
  options.pipeline.full_batches = options.runtime.device != Device::kCpu;
  options.pipeline.workers = std::min(options.runtime.threads, kMostWorkers);
  return options;
}

}  // namespace depth
