// Shared by the unit tests: numbers from Python, a scratch folder, and what an exception says.
#ifndef DEPTH_INFER_TESTS_SUPPORT_H_
#define DEPTH_INFER_TESTS_SUPPORT_H_

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "error.h"

inline const nlohmann::json& Expected() {
  static const nlohmann::json json =
      nlohmann::json::parse(std::ifstream(std::string(TEST_DATA) + "/expected.json"));
  return json;
}

class ScratchFolder {
 public:
  ScratchFolder() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() /
            ("depth_infer_" + std::to_string(getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path Write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

// The text of the InputError that the call throws; "" when it throws none.
template <class Call>
std::string InputErrorOf(Call call) {
  try {
    call();
  } catch (const depth::InputError& error) {
    return error.what();
  }
  return "";
}

inline bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

#endif  // DEPTH_INFER_TESTS_SUPPORT_H_
