#include "pipeline.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "camera.h"
#include "error.h"
#include "image.h"
#include "queue.h"

namespace depth {
namespace {

using Clock = std::chrono::steady_clock;
using Floats = std::vector<float>;

double Milliseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

// A unit as it comes from a decoder.
struct Loaded {
  size_t index = 0;
  Prepared image;
  std::vector<Floats> tensors;  // of a sample that was prepared; else empty
  Floats matrices[2];           // intrinsics of the image, and their inverse
  std::string error;            // why this file is bad; empty for a good one
};
using LoadedPtr = std::shared_ptr<const Loaded>;

// What the graphs run on: a frame and its neighbours, or prepared tensors.
struct Sample {
  LoadedPtr target;
  std::vector<const Floats*> inputs;  // one for each slot
  std::vector<LoadedPtr> frames;      // keep the inputs alive
};

bool SameSize(const Loaded& a, const Loaded& b) {
  return a.image.height == b.image.height && a.image.width == b.image.width;
}

// The last units of a sequence: as many as a sample needs.
class Window {
 public:
  Window(const Plan& plan, const std::vector<Slot>& slots) : plan_(plan), slots_(slots) {}

  // The sample that is complete with this unit, unless one of its frames is bad. Throws InputError
  // when frames differ in size.
  std::optional<Sample> Add(const LoadedPtr& unit) {
    if (!frames_.empty() && !Follows(*unit)) frames_.clear();
    frames_.push_back(unit);
    if (frames_.size() > plan_.span.Count()) frames_.pop_front();
    if (frames_.size() < plan_.span.Count()) return std::nullopt;
    Sample sample;
    sample.target = At(0);
    if (!sample.target->error.empty()) return std::nullopt;
    for (const Slot& slot : slots_) {
      const LoadedPtr& frame = At(slot.frame);
      if (!frame->error.empty()) return std::nullopt;
      sample.frames.push_back(frame);
      sample.inputs.push_back(ValuesOf(*frame, slot));
      if (!SameSize(*frame, *sample.target)) {
        throw InputError(plan_.units[frame->index].file.path.string() +
                         ": not of the size of its neighbour " +
                         plan_.units[sample.target->index].file.path.string());
      }
    }
    return sample;
  }

 private:
  bool Follows(const Loaded& unit) const {
    return plan_.units[unit.index].sequence == plan_.units[frames_.back()->index].sequence;
  }

  const LoadedPtr& At(int frame) const {
    return frames_[static_cast<size_t>(frame - plan_.span.first)];
  }

  static const Floats* ValuesOf(const Loaded& unit, const Slot& slot) {
    if (slot.source == Source::kImage) return &unit.image.values;
    return &unit.matrices[slot.source == Source::kInverseIntrinsics ? 1 : 0];
  }

  const Plan& plan_;
  const std::vector<Slot>& slots_;
  std::deque<LoadedPtr> frames_;
};

class Pipeline {
 public:
  Pipeline(const Plan& plan, Chain* chain, ResultWriter* writer, const PipelineOptions& options,
           const Observer& observer)
      : plan_(plan),
        chain_(*chain),
        writer_(*writer),
        options_(options),
        observer_(observer),
        // Twice a batch, so that the next one is ready when the network is done with this one.
        units_(static_cast<size_t>(2 * options.batch + options.workers), plan.units.size()),
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
    units_.Stop();  // decoders that are ahead of a bad file
    results_.Close();
    for (auto& thread : decoders) thread.join();
    for (auto& thread : writers) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    for (const std::string& line : writer_.Finish()) observer_.bad_file(line);
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
      units_.Stop();
    }
  }

  // The first calls of a network allocate; they are kept out of the times.
  void Warmup() {
    std::vector<Floats> zeros;
    std::vector<TensorView> views;
    for (const Slot& slot : chain_.Slots()) {
      Shape shape = slot.shape;
      shape[0] = options_.batch;
      int64_t count = 1;
      for (const int64_t side : shape) count *= side;
      if (count < 0 || shape[1] < 0) return;  // the size comes with the images
      zeros.emplace_back(static_cast<size_t>(count));
      views.push_back({zeros.back().data(), shape});
    }
    for (int i = 0; i < options_.warmup; ++i) chain_.Run(views);
  }

  void Decode() {
    for (size_t i = next_unit_++; i < plan_.units.size(); i = next_unit_++) {
      auto loaded = std::make_shared<Loaded>();
      loaded->index = i;
      try {
        Load(plan_.units[i], loaded.get());
      } catch (const InputError& error) {
        loaded->error = error.what();
      }
      if (!units_.Push(i, std::move(loaded))) return;
    }
  }

  void Load(const Unit& unit, Loaded* loaded) const {
    const std::vector<Slot>& slots = chain_.Slots();
    for (size_t k = 0; k < unit.tensors.size(); ++k) {
      loaded->tensors.push_back(ReadTensor(unit.tensors[k], slots[k].name, slots[k].shape));
    }
    if (!unit.tensors.empty()) {
      const Shape& shape = chain_.First().ImageInput().shape;
      loaded->image.height = static_cast<int>(shape[2]);
      loaded->image.width = static_cast<int>(shape[3]);
      return;
    }
    Prepared& image = loaded->image;
    image = LoadImage(unit.file.path, chain_.First(), writer_.NeedsPhoto());
    if (!options_.intrinsics) return;
    CheckSize(*options_.intrinsics, image.geometry.photo, unit.file.path.string());
    const Intrinsics seen =
        Resized(*options_.intrinsics, image.geometry.crop, image.height, image.width);
    for (const bool inverse : {false, true}) loaded->matrices[inverse] = MatrixOf(seen, inverse);
  }

  void Infer() {
    Window window(plan_, chain_.Slots());
    std::vector<Sample> batch;
    while (const auto unit = units_.Pop()) {
      std::optional<Sample> sample;
      try {
        sample = (*unit)->tensors.empty() ? window.Add(*unit) : SampleOf(*unit);
      } catch (const InputError& error) {
        Complain(error.what());
      }
      if (!(*unit)->error.empty()) Complain((*unit)->error);
      if (!bad_file_.empty()) break;
      if (sample) AddTo(&batch, std::move(*sample));
    }
    RunBatch(&batch);
  }

  // Reports a bad file that may be left out, or ends the run with it.
  void Complain(const std::string& error) {
    if (options_.skip_bad) {
      ++statistics_.bad;
      observer_.bad_file(error);
    } else {
      bad_file_ = error;
    }
  }

  static Sample SampleOf(const LoadedPtr& unit) {
    Sample sample{unit, {}, {}};
    for (const Floats& values : unit->tensors) sample.inputs.push_back(&values);
    return sample;
  }

  void AddTo(std::vector<Sample>* batch, Sample sample) {
    if (!batch->empty() && !SameSize(*batch->front().target, *sample.target)) RunBatch(batch);
    batch->push_back(std::move(sample));
    if (batch->size() == static_cast<size_t>(options_.batch)) RunBatch(batch);
  }

  void RunBatch(std::vector<Sample>* batch) {
    if (batch->empty()) return;
    // A graph with a fixed batch needs all of it: a short last one is padded with old values.
    const bool full = options_.full_batches || chain_.FixedBatch() > 1;
    const size_t count = full ? static_cast<size_t>(options_.batch) : batch->size();
    const std::vector<TensorView> views = Gather(*batch, count);
    const auto start = Clock::now();
    const auto outputs = chain_.Run(views);
    statistics_.call_ms.push_back(Milliseconds(start));
    for (size_t k = 0; k < batch->size(); ++k) {
      const Loaded& target = *(*batch)[k].target;
      const Unit& unit = plan_.units[target.index];
      results_.Push({unit.file, unit.sequence, unit.position, target.image.geometry,
                     target.image.photo, Slice(outputs, k, count)});
    }
    batch->clear();
  }

  // The slots' values of a batch, one sample after the other.
  std::vector<TensorView> Gather(const std::vector<Sample>& batch, size_t count) {
    const std::vector<Slot>& slots = chain_.Slots();
    std::vector<TensorView> views;
    gathered_.resize(slots.size());
    for (size_t s = 0; s < slots.size(); ++s) {
      Shape shape = slots[s].shape;
      shape[0] = static_cast<int64_t>(count);
      if (slots[s].source == Source::kImage) {
        shape[2] = batch.front().target->image.height;
        shape[3] = batch.front().target->image.width;
      } else {
        shape[1] = shape[2] = 3;
      }
      const size_t size = batch.front().inputs[s]->size();
      const float* values = batch.front().inputs[s]->data();
      if (count > 1) {
        gathered_[s].resize(count * size);
        for (size_t k = 0; k < batch.size(); ++k) {
          std::memcpy(gathered_[s].data() + k * size, batch[k].inputs[s]->data(),
                      size * sizeof(float));
        }
        values = gathered_[s].data();
      }
      views.push_back({values, shape});
    }
    return views;
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

  const Plan& plan_;
  Chain& chain_;
  ResultWriter& writer_;
  const PipelineOptions options_;
  const Observer& observer_;
  OrderedQueue<LoadedPtr> units_;
  BoundedQueue<Result> results_;
  std::atomic<size_t> next_unit_{0};
  std::vector<Floats> gathered_;
  Statistics statistics_;
  std::string bad_file_;
  std::mutex mutex_;
  std::exception_ptr failure_;
  size_t written_ = 0;
};

}  // namespace

Statistics RunPipeline(const Plan& plan, Chain* chain, ResultWriter* writer,
                       const PipelineOptions& options, const Observer& observer) {
  return Pipeline(plan, chain, writer, options, observer).Run();
}

void CheckInputs(const Plan& plan, const Chain& chain, const Formats& formats,
                 const std::optional<Intrinsics>& camera) {
  const auto is_image = [](const Unit& unit) { return unit.tensors.empty(); };
  const auto image = std::find_if(plan.units.begin(), plan.units.end(), is_image);
  const auto tensor = std::find_if_not(plan.units.begin(), plan.units.end(), is_image);
  if (formats.ply && tensor != plan.units.end()) {
    throw InputError(tensor->file.path.string() + ": --formats ply needs images, not .bin files");
  }
  if (image == plan.units.end()) return;
  if (chain.NeedsCamera() && !camera) {
    throw InputError(chain.First().path.string() +
                     ": the graph takes intrinsics; give them with --intrinsics FILE");
  }
  if (!camera) return;
  cv::Mat photo;
  try {
    photo = ReadBgr(image->file.path);
  } catch (const InputError&) {
    return;  // told when it is its turn
  }
  CheckSize(*camera, photo.size(), image->file.path.string());
}

}  // namespace depth
