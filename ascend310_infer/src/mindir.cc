#include "mindir.h"

#include <algorithm>
#include <fstream>

#include "error.h"

namespace depth {
namespace {

// Field numbers of ModelProto in MindSpore's mind_ir.proto.
constexpr uint64_t kProducerName = 2;
constexpr uint64_t kModelVersion = 5;  // MindSpore writes its own version here
constexpr uint64_t kGraph = 7;
constexpr uint64_t kMindIrVersion = 13;
// Of GraphProto.
constexpr uint64_t kParameter = 3;
constexpr uint64_t kAttribute = 8;

// The attribute by which Lite decides whether it must convert a graph when it loads it: its name
// (field 1, 11 bytes) and the value true (field 3).
constexpr char kIsOptimized[] = "\x0a\x0bisOptimized\x18\x01";
// The parameter in which converter_lite puts the model that CANN compiled.
constexpr char kCompiledModel[] = "ACL_om_data";
constexpr uint64_t kNameIsWithin = 256;  // bytes of a parameter: sizes, type and name come first

constexpr int kLite20ReadsUpTo = 1;

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint64_t number;
  uint64_t type;
  uint64_t value;  // of kBytes: how many follow, to be read or skipped
};

class Scanner {
 public:
  explicit Scanner(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
    if (!std::filesystem::is_regular_file(path) || !file_) {
      throw InputError(path.string() + ": no such model file, or not readable");
    }
    left_ = std::filesystem::file_size(path);
    if (left_ == 0) Fail("it is empty");
  }

  uint64_t Left() const { return left_; }

  [[noreturn]] void Fail(const std::string& why) const {
    throw InputError(path_.string() + ": not a complete MindIR file (" + why +
                     "); export the model again or copy it again");
  }

  Field Next() {
    const uint64_t tag = Varint();
    Field field{tag >> 3, tag & 7, 0};
    if (field.type == kVarint || field.type == kBytes) {
      field.value = Varint();
    } else if (field.type == kFixed64 || field.type == kFixed32) {
      Skip(field.type == kFixed64 ? 8 : 4);
    } else {
      Fail("it holds no protobuf message");
    }
    return field;
  }

  void Skip(uint64_t count) {
    Take(count);
    file_.seekg(static_cast<std::streamoff>(count), std::ios::cur);
  }

  std::string Text(uint64_t count) {
    if (count > 4096) Fail("a name in it is too long");
    Take(count);
    std::string text(count, '\0');
    file_.read(text.data(), static_cast<std::streamsize>(count));
    return text;
  }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const int byte = file_.get();
      Take(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    Fail("a number in it is too long");
  }

  void Take(uint64_t count) {
    if (count > left_) Fail("it ends too early");
    left_ -= count;
  }

  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t left_ = 0;
};

void ReadGraph(Scanner* scanner, uint64_t size, MindirHeader* header) {
  if (size > scanner->Left()) scanner->Fail("it ends too early");
  const uint64_t end = scanner->Left() - size;
  while (scanner->Left() > end) {
    const Field field = scanner->Next();
    if (field.type != kBytes) continue;
    std::string head;
    if (field.number == kParameter || field.number == kAttribute) {
      head = scanner->Text(std::min(field.value, kNameIsWithin));
    }
    if (field.number == kAttribute) header->converted |= head.rfind(kIsOptimized, 0) == 0;
    if (field.number == kParameter) {
      header->for_ascend |= head.find(kCompiledModel) != std::string::npos;
    }
    scanner->Skip(field.value - head.size());
  }
  if (scanner->Left() < end) scanner->Fail("its graph is longer than it says");
}

}  // namespace

MindirHeader ReadMindirHeader(const std::filesystem::path& path) {
  Scanner scanner(path);
  MindirHeader header;
  bool has_graph = false;
  while (scanner.Left() > 0) {
    const Field field = scanner.Next();
    if (field.type == kVarint && field.number == kMindIrVersion) {
      header.mindir_version = static_cast<int64_t>(field.value);
    }
    if (field.type != kBytes) continue;
    has_graph |= field.number == kGraph;
    if (field.number == kProducerName) {
      header.producer = scanner.Text(field.value);
    } else if (field.number == kModelVersion) {
      header.producer_version = scanner.Text(field.value);
    } else if (field.number == kGraph) {
      ReadGraph(&scanner, field.value, &header);
    } else {
      scanner.Skip(field.value);
    }
  }
  if (!has_graph || header.producer.empty()) scanner.Fail("it holds no graph");
  header.converted |= header.for_ascend;
  return header;
}

std::string Origin(const MindirHeader& header) {
  const std::string wrote =
      header.converted ? "converted by MindSpore Lite" : "exported by " + header.producer;
  return wrote + " " + header.producer_version + " (MindIR version " +
         std::to_string(header.mindir_version) + ")";
}

void CheckReadable(const std::filesystem::path& path, const MindirHeader& header,
                   const std::string& runtime_version) {
  const bool lite_2_0 = runtime_version.rfind("2.0.", 0) == 0;
  if (!lite_2_0 || header.mindir_version <= kLite20ReadsUpTo) return;
  throw InputError(
      path.string() + ": " + Origin(header) + ", but MindSpore Lite " + runtime_version +
      " reads up to version " + std::to_string(kLite20ReadsUpTo) +
      (header.converted
           ? ": convert it with the converter_lite of this runtime"
           : ": export it with MindSpore 2.0.0 (scripts/install_lite.sh makes .venv-export)"));
}

}  // namespace depth
