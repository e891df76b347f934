#include "mindir.h"

#include <doctest/doctest.h>

#include "files.h"
#include "network.h"
#include "support.h"

namespace {

std::string Field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) +
         std::string(1, static_cast<char>(bytes.size())) + bytes;
}

std::string Model(char version) {
  return Field(1, "1.1") + Field(2, "MindSpore") + Field(5, "2.10.0") + Field(7, "graph") +
         std::string{13 << 3, version};
}

}  // namespace

TEST_CASE("the header of a MindIR file") {
  const ScratchFolder folder;
  const auto header = depth::ReadMindirHeader(folder.Write("m.mindir", Model(3)));
  CHECK(header.producer == "MindSpore");
  CHECK(header.producer_version == "2.10.0");
  CHECK(header.mindir_version == 3);
}

TEST_CASE("a newer file than the runtime reads is refused with the exporter to use") {
  const depth::MindirHeader old{"MindSpore", "2.0.0", 1}, recent{"MindSpore", "2.10.0", 3};
  CHECK_NOTHROW(depth::CheckReadable("m.mindir", old, "2.0.0"));
  CHECK_NOTHROW(depth::CheckReadable("m.mindir", recent, "2.3.1"));
  const auto error = InputErrorOf([&] { depth::CheckReadable("m.mindir", recent, "2.0.0"); });
  CHECK(Contains(error, "m.mindir: exported by MindSpore 2.10.0 (MindIR version 3)"));
  CHECK(Contains(error, "export it with MindSpore 2.0.0"));
}

TEST_CASE("files that are no MindIR, or not all of it") {
  const ScratchFolder folder;
  const auto error_of = [&](const std::string& bytes) {
    const auto path = folder.Write("x.mindir", bytes);
    return InputErrorOf([&] { depth::ReadMindirHeader(path); });
  };
  const std::string whole = Model(1);
  CHECK(error_of(whole).empty());
  for (size_t length = 0; length + 2 < whole.size(); ++length) {  // 2: the version may be absent
    CAPTURE(length);
    CHECK(Contains(error_of(whole.substr(0, length)), "not a complete MindIR"));
  }
  CHECK(Contains(error_of("hello, I am text"), "not a complete MindIR"));
  CHECK(Contains(error_of(std::string(20, '\xff')), "too long"));
  CHECK(Contains(InputErrorOf([] { depth::ReadMindirHeader("gone.mindir"); }), "no such model"));
  CHECK(Contains(InputErrorOf([&] { depth::ReadMindirHeader(folder.path()); }), "no such model"));
}

TEST_CASE("runtimes that are too old are refused") {
  CHECK_NOTHROW(depth::CheckRuntimeVersion("2.0.0"));
  CHECK_NOTHROW(depth::CheckRuntimeVersion("of unknown version"));
  CHECK(Contains(InputErrorOf([] { depth::CheckRuntimeVersion("1.9.0"); }), "1.9.0 is too old"));
}

TEST_CASE("a missing runtime module is one line that says what to run") {
  // The unit tests lie in a folder of their own, without the module.
  const std::string error = InputErrorOf([] { depth::LoadRuntime(); });
  CHECK(Contains(error, "MindSpore Lite cannot be loaded"));
  CHECK(Contains(error, "scripts/install_lite.sh"));
  CHECK_FALSE(Contains(error, "\n"));
}
