#include "options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

// Of a command line with the two flags that every run needs.
std::optional<depth::Options> Parse(std::vector<std::string> flags, int* exit_code) {
  std::vector<std::string> words = {"main", "--mindir", "net.mindir", "--input", "photos"};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  *exit_code = -1;
  return depth::ParseOptions(static_cast<int>(argv.size()), argv.data(), exit_code);
}

}  // namespace

TEST_CASE("a card's precision, and the runtime's own without the flag") {
  int exit_code = 0;
  CHECK(Parse({}, &exit_code)->runtime.precision.empty());
  for (const char* mode :
       {"enforce_fp32", "preferred_fp32", "enforce_fp16", "enforce_origin", "preferred_optimal"}) {
    CHECK(Parse({"--precision", mode}, &exit_code)->runtime.precision == mode);
  }
  CHECK_FALSE(Parse({"--precision", "force_fp16"}, &exit_code));
  CHECK(exit_code == 2);
}

TEST_CASE("the CPU has no precision to choose, in whatever order the flags come") {
  int exit_code = 0;
  CHECK_FALSE(Parse({"--precision", "enforce_fp32", "--device", "CPU"}, &exit_code));
  CHECK(exit_code == 2);
  CHECK_FALSE(Parse({"--device", "CPU", "--precision", "enforce_fp32"}, &exit_code));
  CHECK(Parse({"--device", "CPU"}, &exit_code));
}

TEST_CASE("a card is given whole batches") {
  int exit_code = 0;
  CHECK(Parse({"--device", "Ascend310"}, &exit_code)->pipeline.full_batches);
  CHECK(Parse({"--device", "Ascend310P"}, &exit_code)->pipeline.full_batches);
  CHECK_FALSE(Parse({"--device", "CPU"}, &exit_code)->pipeline.full_batches);
}
