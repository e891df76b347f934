// Image files in, depth out: reads the options, runs the pipeline, reports, and catches once.
#include <unistd.h>

#include <chrono>
#include <exception>
#include <iomanip>
#include <iostream>
#include <opencv2/core/utils/logger.hpp>
#include <string>

#include "card.h"
#include "chain.h"
#include "error.h"
#include "files.h"
#include "mindir.h"
#include "options.h"
#include "pipeline.h"
#include "statistics.h"

namespace depth {
namespace {

// One live line on a terminal, a plain line now and then in a file.
class Progress {
 public:
  explicit Progress(size_t total) : total_(total) {}

  void operator()(size_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (done < total_ && now - last_ < (live_ ? kLiveInterval : kPlainInterval)) return;
    last_ = now;
    const std::chrono::duration<double> elapsed = now - start_;
    std::cout << (live_ ? "\r" : "") << "predicted " << done << "/" << total_ << " files, "
              << std::fixed << std::setprecision(1) << static_cast<double>(done) / elapsed.count()
              << " images/s" << (live_ && done < total_ ? "" : "\n") << std::flush;
  }

 private:
  static constexpr std::chrono::milliseconds kLiveInterval{200}, kPlainInterval{5000};
  const size_t total_;
  const bool live_ = isatty(STDOUT_FILENO) == 1;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = start_;
};

Chain LoadChain(const Options& options) {
  const std::vector<std::filesystem::path>& paths = options.graphs;
  std::vector<Stage> stages;
  std::vector<MindirHeader> headers;
  for (const auto& path : paths) {  // everything that needs no runtime is checked first
    headers.push_back(ReadMindirHeader(path));
    stages.push_back({LoadSidecar(SidecarPath(path)), nullptr});
    CheckDevice(path, headers.back(), stages.back().sidecar, options.runtime,
                options.pipeline.batch);
  }
  const auto runtime = LoadRuntime();
  std::cout << "MindSpore Lite " << runtime->Version() << ", " << Name(options.runtime.device)
            << (options.runtime.device == Device::kCpu
                    ? ""
                    : " " + std::to_string(options.runtime.device_id))
            << std::endl;
  for (size_t i = 0; i < paths.size(); ++i) {
    CheckReadable(paths[i], headers[i], runtime->Version());
    stages[i].network = runtime->Load(paths[i], options.runtime);
  }
  return Chain(std::move(stages));
}

// By the graphs themselves: converter_lite may have fixed a batch that the sidecar leaves free.
int ResolveBatch(int asked, Device device, const Chain& chain) {
  CheckBatch(chain.First().path, chain.FixedBatch(), device, asked);
  return asked > 0 ? asked : std::max(static_cast<int>(chain.FixedBatch()), 1);
}

void WriteTimes(const std::filesystem::path& folder, const std::string& report) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw InputError(folder.string() + ": cannot be made (" + error.message() + ")");
  WriteAtomic(folder / "test_perform_static.txt", report);
}

// "--input" and the model agreed on: which samples, with which camera.
Plan Prepare(Options* options, const Chain& chain, const std::vector<InputFile>& files) {
  auto& camera = options->results.intrinsics;
  if (!camera) camera = chain.Camera();
  if (chain.NeedsCamera() || options->results.formats.ply) options->pipeline.intrinsics = camera;
  options->pipeline.batch = ResolveBatch(options->pipeline.batch, options->runtime.device, chain);
  return MakePlan(files, chain.Slots());
}

void SayEnds(const Plan& plan) {
  if (plan.ends == 0) return;
  std::cout << "left out " << plan.ends
            << " images at the ends of their sequences: the graph takes "
            << "frames " << plan.span.first << " to " << plan.span.last << std::endl;
}

int Run(Options options) {
  const std::vector<InputFile> files = ListInputs(options.input);
  if (!options.intrinsics_file.empty()) {
    options.results.intrinsics = LoadIntrinsics(options.intrinsics_file);
  }
  Chain chain = LoadChain(options);
  const Plan plan = Prepare(&options, chain, files);
  CheckInputs(plan, chain, options.results.formats, options.pipeline.intrinsics);
  ResultWriter writer(options.output, options.results, chain.Last());
  std::cout << "Start predict input files: " << files.size() << std::endl;
  SayEnds(plan);
  const Observer observer = {Progress(plan.samples),
                             [](const std::string& line) { std::cerr << line << std::endl; }};
  const Statistics statistics = RunPipeline(plan, &chain, &writer, options.pipeline, observer);
  const std::string report = Report(statistics);
  std::cout << report;
  WriteTimes(options.time_result, report);
  if (statistics.bad == 0) return 0;
  std::cerr << statistics.bad << " of " << files.size() << " files were bad and left out"
            << std::endl;
  return 2;
}

}  // namespace
}  // namespace depth

int main(int argc, char** argv) {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  int exit_code = 0;
  const auto options = depth::ParseOptions(argc, argv, &exit_code);
  if (!options) return exit_code;
  try {
    return depth::Run(*options);
  } catch (const depth::InputError& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return 1;
  }
}
