// One JSON object together with where it is, so that every complaint names file, key and value.
#ifndef DEPTH_INFER_JSON_READER_H_
#define DEPTH_INFER_JSON_READER_H_

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "error.h"

namespace depth {

using Json = nlohmann::json;

// Throws InputError when the text is not JSON.
Json ParseJson(const std::string& text, const std::filesystem::path& path);

class JsonReader {
 public:
  // `hint` says what to do about a file that is wrong.
  JsonReader(const Json& object, std::string file, std::string where, std::string hint)
      : object_(object), file_(std::move(file)), where_(std::move(where)), hint_(std::move(hint)) {
    if (!object_.is_object()) {
      Fail(where_.empty() ? "the file" : where_, "is not an object");
    }
  }

  [[noreturn]] void Fail(const std::string& key, const std::string& problem) const {
    throw InputError(file_ + ": " + key + " " + problem + "; " + hint_);
  }

  std::string Key(const std::string& key) const {
    return where_.empty() ? key : where_ + "." + key;
  }

  bool Has(const std::string& key) const { return object_.contains(key); }
  bool IsNull(const std::string& key) const { return At(key).is_null(); }

  template <class T>
  T Get(const std::string& key, const char* kind) const {
    const Json& value = At(key);
    try {
      return value.get<T>();
    } catch (const Json::exception&) {
      Fail(Key(key), "is " + value.dump() + ", expected " + kind);
    }
  }

  int Int(const std::string& key, int least, int most = kLargest) const {
    const Json& value = At(key);
    if (!value.is_number_integer() || value.get<int64_t>() < least || value.get<int64_t>() > most) {
      Fail(Key(key), "is " + value.dump() + ", expected an integer from " + std::to_string(least) +
                         " to " + std::to_string(most));
    }
    return value.get<int>();
  }

  double Positive(const std::string& key) const {
    const Json& value = At(key);
    const double number = value.is_number() ? value.get<double>() : 0;
    if (!(number > 0 && std::isfinite(number))) {
      Fail(Key(key), "is " + value.dump() + ", expected a number above 0");
    }
    return number;
  }

  double Finite(const std::string& key) const {
    const Json& value = At(key);
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      Fail(Key(key), "is " + value.dump() + ", expected a number");
    }
    return value.get<double>();
  }

  template <class T>
  T Choice(const std::string& key, const std::map<std::string, T>& choices) const {
    const auto found = choices.find(Get<std::string>(key, "a string"));
    if (found == choices.end()) {
      std::string allowed;
      for (const auto& choice : choices) allowed += (allowed.empty() ? "" : ", ") + choice.first;
      Fail(Key(key), "is " + At(key).dump() + ", expected one of " + allowed);
    }
    return found->second;
  }

  JsonReader Object(const std::string& key) const {
    return JsonReader(At(key), file_, Key(key), hint_);
  }

  std::vector<JsonReader> Objects(const std::string& key) const {
    const Json& list = At(key);
    if (!list.is_array() || list.empty()) Fail(Key(key), "is not a list of at least one object");
    std::vector<JsonReader> readers;
    for (size_t i = 0; i < list.size(); ++i) {
      readers.emplace_back(list[i], file_, Key(key) + "[" + std::to_string(i) + "]", hint_);
    }
    return readers;
  }

 private:
  // More than any camera gives; keeps every product of two sides inside an int.
  static constexpr int kLargest = 32768;

  const Json& At(const std::string& key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) Fail(Key(key), "is missing");
    return *found;
  }

  const Json& object_;
  std::string file_, where_, hint_;
};

}  // namespace depth

#endif  // DEPTH_INFER_JSON_READER_H_
