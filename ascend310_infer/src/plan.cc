#include "plan.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "error.h"

namespace depth {
namespace fs = std::filesystem;
namespace {

std::string Names(const std::vector<Slot>& slots) {
  std::string text;
  for (const Slot& slot : slots) text += (text.empty() ? "<name>_" : ", <name>_") + slot.name;
  return text;
}

// The slot in the name of a tensor, <name>_<slot>: the longest that fits.
const Slot* SlotOf(const std::string& name, const std::vector<Slot>& slots) {
  const Slot* best = nullptr;
  for (const Slot& slot : slots) {
    const std::string ending = "_" + slot.name;
    const bool fits = name.size() > ending.size() &&
                      name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
    if (fits && (best == nullptr || slot.name.size() > best->name.size())) best = &slot;
  }
  return best;
}

// Collects the .bin files of each sample; adds a unit when its first one comes.
class Tuples {
 public:
  Tuples(const std::vector<Slot>& slots, std::vector<Unit>* units)
      : slots_(slots), units_(*units) {}

  void Add(const InputFile& file) {
    if (slots_.size() == 1) {
      units_.push_back({file, {file.path}, 0, 0});
      return;
    }
    const std::string name = file.path.stem().string();
    const Slot* slot = SlotOf(name, slots_);
    if (slot == nullptr) {
      throw InputError(file.path.string() + ": its name ends with none of the graph's inputs (" +
                       Names(slots_) + ".bin)");
    }
    const std::string sample = name.substr(0, name.size() - slot->name.size() - 1);
    const auto [place, is_new] = places_.emplace(file.path.parent_path() / sample, units_.size());
    if (is_new) {
      const fs::path stem = file.stem.parent_path() / sample;
      units_.push_back({{file.path, stem}, std::vector<fs::path>(slots_.size()), 0, 0});
    }
    units_[place->second].tensors[static_cast<size_t>(slot - slots_.data())] = file.path;
  }

  void CheckComplete() const {
    for (const auto& [sample, place] : places_) {
      const auto& tensors = units_[place].tensors;
      for (size_t k = 0; k < tensors.size(); ++k) {
        if (!tensors[k].empty()) continue;
        throw InputError(sample.string() + "_" + slots_[k].name +
                         ".bin is missing; a sample is made of " + Names(slots_) + ".bin");
      }
    }
  }

 private:
  const std::vector<Slot>& slots_;
  std::vector<Unit>& units_;
  std::map<fs::path, size_t> places_;
};

// Numbers the images, and the samples of tensors, of each folder; images with neighbours must come
// one after the other.
void NumberFrames(Plan* plan) {
  std::map<std::pair<fs::path, bool>, size_t> sequences;
  std::vector<size_t> lengths;
  for (Unit& unit : plan->units) {
    const bool is_image = unit.tensors.empty();
    const auto key = std::make_pair(unit.file.path.parent_path(), is_image);
    const auto [found, is_new] = sequences.emplace(key, lengths.size());
    if (is_new) lengths.push_back(0);
    unit.sequence = found->second;
    unit.position = lengths[unit.sequence]++;
  }
  for (const auto& [key, sequence] : sequences) {
    const bool is_image = key.second;
    const size_t ends = is_image ? std::min(lengths[sequence], plan->span.Count() - 1) : 0;
    plan->ends += ends;
    plan->samples += lengths[sequence] - ends;
  }
  if (plan->span.Count() == 1) return;
  std::stable_sort(plan->units.begin(), plan->units.end(),
                   [](const Unit& a, const Unit& b) { return a.sequence < b.sequence; });
}

void CheckStems(const std::vector<Unit>& units) {
  std::vector<InputFile> files;
  for (const Unit& unit : units) files.push_back(unit.file);
  CheckDistinct(files);
}

}  // namespace

FrameSpan SpanOf(const std::vector<Slot>& slots) {
  FrameSpan span;
  for (const Slot& slot : slots) {
    span.first = std::min(span.first, slot.frame);
    span.last = std::max(span.last, slot.frame);
  }
  return span;
}

Plan MakePlan(const std::vector<InputFile>& files, const std::vector<Slot>& slots) {
  Plan plan;
  plan.span = SpanOf(slots);
  Tuples tuples(slots, &plan.units);
  for (const InputFile& file : files) {
    if (IsBin(file.path)) {
      tuples.Add(file);
    } else {
      plan.units.push_back({file, {}, 0, 0});
    }
  }
  tuples.CheckComplete();
  CheckStems(plan.units);
  NumberFrames(&plan);
  if (plan.samples == 0) {
    throw InputError(files.front().path.parent_path().string() + ": the graph takes images " +
                     std::to_string(plan.span.first) + " to " + std::to_string(plan.span.last) +
                     " of a sequence, and no folder holds " + std::to_string(plan.span.Count()));
  }
  return plan;
}

}  // namespace depth
