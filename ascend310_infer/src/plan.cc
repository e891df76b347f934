#include "plan.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
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
      const InputFile first = {file.path, stem, file.is_listed};
      units_.push_back({first, std::vector<fs::path>(slots_.size()), 0, 0});
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

// The digits of a name that is a number, without leading zeros.
std::optional<std::string> Digits(const Unit& unit) {
  const fs::path file = unit.tensors.empty() ? unit.file.path.stem() : unit.file.stem.filename();
  const std::string name = file.string();
  const bool is_number =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!is_number) return std::nullopt;
  return name.substr(std::min(name.find_first_not_of('0'), name.size()));
}

// Those of a folder whose names are numbers, in the order of these; others stay as they are.
void SortByNumber(std::vector<Unit>* units) {
  std::vector<std::pair<std::string, Unit>> numbered;
  for (const Unit& unit : *units) {
    const auto digits = Digits(unit);
    if (!digits || !unit.file.is_listed) return;
    numbered.emplace_back(*digits, unit);
  }
  std::stable_sort(numbered.begin(), numbered.end(), [](const auto& a, const auto& b) {
    return std::make_pair(a.first.size(), a.first) < std::make_pair(b.first.size(), b.first);
  });
  for (size_t i = 0; i < numbered.size(); ++i) (*units)[i] = numbered[i].second;
}

// The units of each folder together: its images, and its samples of tensors.
std::vector<std::vector<Unit>> Sequences(const std::vector<Unit>& units) {
  std::map<std::pair<fs::path, bool>, size_t> places;
  std::vector<std::vector<Unit>> sequences;
  for (const Unit& unit : units) {
    const auto key = std::make_pair(unit.file.path.parent_path(), unit.tensors.empty());
    const auto [found, is_new] = places.emplace(key, sequences.size());
    if (is_new) sequences.emplace_back();
    sequences[found->second].push_back(unit);
  }
  return sequences;
}

// Counts the samples; where neighbours are needed the units are put in order and numbered.
void Arrange(Plan* plan) {
  const size_t span = plan->span.Count();
  if (span == 1) {
    plan->samples = plan->units.size();
    return;
  }
  std::vector<std::vector<Unit>> sequences = Sequences(plan->units);
  plan->units.clear();
  for (size_t k = 0; k < sequences.size(); ++k) {
    std::vector<Unit>& units = sequences[k];
    const bool are_images = units.front().tensors.empty();
    const size_t ends = are_images ? std::min(units.size(), span - 1) : 0;
    plan->ends += ends;
    plan->samples += units.size() - ends;
    SortByNumber(&units);
    for (size_t i = 0; i < units.size(); ++i) {
      units[i].sequence = k;
      // Tensors were prepared without the ends, so the first is not the first image.
      units[i].position = i + (are_images ? 0 : static_cast<size_t>(-plan->span.first));
      plan->units.push_back(std::move(units[i]));
    }
  }
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
  Arrange(&plan);
  if (plan.samples == 0) {
    throw InputError(files.front().path.parent_path().string() + ": the graph takes images " +
                     std::to_string(plan.span.first) + " to " + std::to_string(plan.span.last) +
                     " of a sequence, and no folder holds " + std::to_string(plan.span.Count()));
  }
  return plan;
}

}  // namespace depth
