#include "pipeline.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "error.h"
#include "image.h"
#include "queue.h"

namespace depth {
namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

struct Sample {
  size_t index = 0;
  Prepared prepared;
  std::string error;  // why this file is bad; empty for a good one
};

class Pipeline {
 public:
  Pipeline(const std::vector<InputFile>& files, Chain* chain, const ResultWriter& writer,
           const PipelineOptions& options, const Observer& observer)
      : files_(files),
        chain_(*chain),
        writer_(writer),
        options_(options),
        observer_(observer),
        // Twice a batch, so that the next one is ready when the network is done with this one.
        samples_(static_cast<size_t>(2 * options.batch + options.workers), files.size()),
        results_(static_cast<size_t>(options.batch + options.workers)) {}

  Statistics Run() {
    Warmup();
    const auto start = Clock::now();
    std::vector<std::thread> decoders, writers;
    for (int i = 0; i < options_.workers; ++i) {
      decoders.emplace_back([this] { Guard([this] { Decode(); }); });
      writers.emplace_back([this] { Guard([this] { Write(); }); });
    }
    Guard([this] { Infer(); });
    samples_.Stop();  // decoders that are ahead of a bad file
    results_.Close();
    for (auto& thread : decoders) thread.join();
    for (auto& thread : writers) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    if (!bad_file_.empty()) throw InputError(bad_file_);
    statistics_.images = written_;
    statistics_.seconds = Milliseconds(start) / 1000;
    return std::move(statistics_);
  }

 private:
  // The first exception of any thread ends the reading and is thrown again by Run.
  template <class Function>
  void Guard(Function function) {
    try {
      function();
    } catch (...) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
      samples_.Stop();
    }
  }

  // The first calls of a network allocate; they are kept out of the times.
  void Warmup() {
    const Shape& shape = chain_.First().ImageInput().shape;
    if (shape[2] < 0 || shape[3] < 0) return;  // the size comes with the images
    std::vector<float> zeros(static_cast<size_t>(options_.batch * 3 * shape[2] * shape[3]));
    for (int i = 0; i < options_.warmup; ++i) {
      chain_.Run(zeros.data(), options_.batch, shape[2], shape[3]);
    }
  }

  void Decode() {
    for (size_t i = next_file_++; i < files_.size(); i = next_file_++) {
      Sample sample;
      sample.index = i;
      try {
        sample.prepared = LoadInput(files_[i].path, chain_.First());
      } catch (const InputError& error) {
        sample.error = error.what();
      }
      if (!samples_.Push(i, std::move(sample))) return;
    }
  }

  void Infer() {
    std::vector<Sample> batch;
    while (auto sample = samples_.Pop()) {
      if (!sample->error.empty()) {
        if (!options_.skip_bad) {
          bad_file_ = sample->error;
          break;
        }
        ++statistics_.bad;
        observer_.bad_file(sample->error);
        continue;
      }
      const bool fits = batch.empty() || (batch[0].prepared.height == sample->prepared.height &&
                                          batch[0].prepared.width == sample->prepared.width);
      if (!fits) RunBatch(&batch);
      batch.push_back(std::move(*sample));
      if (batch.size() == static_cast<size_t>(options_.batch)) RunBatch(&batch);
    }
    RunBatch(&batch);
  }

  void RunBatch(std::vector<Sample>* batch) {
    if (batch->empty()) return;
    // A graph with a fixed batch takes no fewer: the rest of a last batch is left from before.
    const int64_t fixed = chain_.FixedBatch();
    const size_t count = fixed > 1 ? static_cast<size_t>(fixed) : batch->size();
    const Prepared& first = batch->front().prepared;
    const size_t size = first.values.size();
    const float* images = first.values.data();
    if (count > 1) {
      gathered_.resize(count * size);
      for (size_t k = 0; k < batch->size(); ++k) {
        const auto& values = (*batch)[k].prepared.values;
        std::memcpy(gathered_.data() + k * size, values.data(), size * sizeof(float));
      }
      images = gathered_.data();
    }
    const auto start = Clock::now();
    const auto outputs = chain_.Run(images, static_cast<int64_t>(count), first.height, first.width);
    statistics_.call_ms.push_back(Milliseconds(start));
    for (size_t k = 0; k < batch->size(); ++k) {
      Sample& sample = (*batch)[k];
      results_.Push({files_[sample.index], sample.prepared.geometry, Slice(outputs, k, count)});
    }
    batch->clear();
  }

  void Write() {
    try {
      while (auto result = results_.Pop()) {
        writer_.Write(*result);
        const std::lock_guard<std::mutex> lock(mutex_);
        observer_.progress(++written_);
      }
    } catch (...) {
      results_.Stop();  // nobody is left to empty it; after a failure elsewhere it is still emptied
      throw;
    }
  }

  const std::vector<InputFile>& files_;
  Chain& chain_;
  const ResultWriter& writer_;
  const PipelineOptions options_;
  const Observer& observer_;
  OrderedQueue<Sample> samples_;
  BoundedQueue<Result> results_;
  std::atomic<size_t> next_file_{0};
  std::vector<float> gathered_;
  Statistics statistics_;
  std::string bad_file_;
  std::mutex mutex_;
  std::exception_ptr failure_;
  size_t written_ = 0;
};

}  // namespace

Statistics RunPipeline(const std::vector<InputFile>& files, Chain* chain,
                       const ResultWriter& writer, const PipelineOptions& options,
                       const Observer& observer) {
  return Pipeline(files, chain, writer, options, observer).Run();
}

}  // namespace depth
