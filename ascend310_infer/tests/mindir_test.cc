#include "mindir.h"

#include <doctest/doctest.h>

#include "files.h"
#include "network.h"
#include "support.h"

namespace {

std::string Field(int number, const std::string& bytes) {
  const size_t size = bytes.size();
  std::string text(1, static_cast<char>(number << 3 | 2));
  if (size > 127) text += static_cast<char>((size & 127) | 128);
  return text + static_cast<char>(size > 127 ? size >> 7 : size) + bytes;
}

// A boolean attribute of a graph as protobuf writes it: name, value, type.
std::string Attribute(const std::string& name, bool value) {
  return Field(8, Field(1, name) + std::string{3 << 3, static_cast<char>(value)} +
                      std::string("\x80\x01\x09"));
}

// A parameter: one size, type, name, raw data.
std::string Parameter(const std::string& name, size_t bytes) {
  return Field(3, std::string{1 << 3, 5, 2 << 3, 2} + Field(7, "net:" + name) +
                      Field(9, std::string(bytes, 'x')));
}

std::string Model(char version, const std::string& graph = Field(2, "net")) {
  return Field(1, "1.1") + Field(2, "MindSpore") + Field(5, "2.10.0") + Field(7, graph) +
         std::string{13 << 3, version};
}

}  // namespace

TEST_CASE("the header of a MindIR file") {
  const ScratchFolder folder;
  const auto header = depth::ReadMindirHeader(folder.Write("m.mindir", Model(3)));
  CHECK(header.producer == "MindSpore");
  CHECK(header.producer_version == "2.10.0");
  CHECK(header.mindir_version == 3);
  CHECK_FALSE(header.converted);
  CHECK_FALSE(header.for_ascend);
}

TEST_CASE("what converter_lite leaves in a file") {
  const ScratchFolder folder;
  const auto header_of = [&](const std::string& graph) {
    return depth::ReadMindirHeader(folder.Write("m.mindir", Model(1, graph)));
  };
  const std::string node = Field(1, "isOptimized ACL_om_data"), weight = Parameter("stem", 700);
  const auto none = header_of(node + weight + Attribute("isOptimized", false));
  CHECK_FALSE(none.converted);
  const auto general = header_of(node + weight + Attribute("isOptimized", true));
  CHECK(general.converted);
  CHECK_FALSE(general.for_ascend);
  const auto compiled = header_of(weight + Parameter("ACL_om_data", 700));
  CHECK(compiled.converted);
  CHECK(compiled.for_ascend);
  CHECK_FALSE(header_of(Attribute("training", true)).converted);
}

TEST_CASE("a graph whose parts do not add up is no MindIR") {
  const ScratchFolder folder;
  const auto error_of = [&](const std::string& graph) {
    const auto path = folder.Write("m.mindir", Model(1, graph));
    return InputErrorOf([&] { depth::ReadMindirHeader(path); });
  };
  CHECK(error_of(Attribute("isOptimized", true)).empty());
  CHECK(Contains(error_of("graph"), "not a complete MindIR"));
  std::string longer = Field(2, "net");
  longer[1] = 5;  // reaches into what follows the graph
  CHECK(Contains(error_of(longer), "its graph is longer than it says"));
}

TEST_CASE("a newer file than the runtime reads is refused with the exporter to use") {
  const depth::MindirHeader old{"MindSpore", "2.0.0", 1}, recent{"MindSpore", "2.10.0", 3};
  CHECK_NOTHROW(depth::CheckReadable("m.mindir", old, "2.0.0"));
  CHECK_NOTHROW(depth::CheckReadable("m.mindir", recent, "2.3.1"));
  const auto error = InputErrorOf([&] { depth::CheckReadable("m.mindir", recent, "2.0.0"); });
  CHECK(Contains(error, "m.mindir: exported by MindSpore 2.10.0 (MindIR version 3)"));
  CHECK(Contains(error, "export it with MindSpore 2.0.0"));
  const depth::MindirHeader converted{"MindSpore", "2.2.14", 3, true};
  const auto other = InputErrorOf([&] { depth::CheckReadable("m.mindir", converted, "2.0.0"); });
  CHECK(Contains(other, "converted by MindSpore Lite 2.2.14 (MindIR version 3)"));
  CHECK(Contains(other, "converter_lite of this runtime"));
}

TEST_CASE("any byte of a file may be wrong") {
  const ScratchFolder folder;
  const std::string graph = Parameter("stem", 9) + Attribute("isOptimized", true) + Field(2, "net");
  const std::string whole = Model(1, graph);
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char bits : {'\x01', '\x07', '\x18', '\x80', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ bits);
      const auto path = folder.Write("x.mindir", damaged);
      const auto error = InputErrorOf([&] { depth::ReadMindirHeader(path); });
      if (!error.empty()) CHECK(Contains(error, "not a complete MindIR"));
    }
  }
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
