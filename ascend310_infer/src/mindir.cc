#include "mindir.h"

#include <fstream>

#include "error.h"

namespace depth {
namespace {

// Field numbers of ModelProto in MindSpore's mind_ir.proto.
constexpr uint64_t kProducerName = 2;
constexpr uint64_t kModelVersion = 5;  // MindSpore writes its own version here
constexpr uint64_t kGraph = 7;
constexpr uint64_t kMindIrVersion = 13;

constexpr int kLite20ReadsUpTo = 1;

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

class Scanner {
 public:
  explicit Scanner(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
    if (!std::filesystem::is_regular_file(path) || !file_) {
      throw InputError(path.string() + ": no such model file");
    }
    left_ = std::filesystem::file_size(path);
    if (left_ == 0) Fail("it is empty");
  }

  bool AtEnd() const { return left_ == 0; }

  [[noreturn]] void Fail(const std::string& why) const {
    throw InputError(path_.string() + ": not a complete MindIR file (" + why +
                     "); export the model again or copy it again");
  }

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
  void Take(uint64_t count) {
    if (count > left_) Fail("it ends too early");
    left_ -= count;
  }

  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t left_ = 0;
};

}  // namespace

MindirHeader ReadMindirHeader(const std::filesystem::path& path) {
  Scanner scanner(path);
  MindirHeader header;
  bool has_graph = false;
  while (!scanner.AtEnd()) {
    const uint64_t tag = scanner.Varint();
    const uint64_t field = tag >> 3;
    switch (tag & 7) {
      case kVarint: {
        const uint64_t value = scanner.Varint();
        if (field == kMindIrVersion) header.mindir_version = static_cast<int64_t>(value);
        break;
      }
      case kBytes: {
        const uint64_t size = scanner.Varint();
        has_graph |= field == kGraph;
        if (field == kProducerName) {
          header.producer = scanner.Text(size);
        } else if (field == kModelVersion) {
          header.producer_version = scanner.Text(size);
        } else {
          scanner.Skip(size);
        }
        break;
      }
      case kFixed64:
        scanner.Skip(8);
        break;
      case kFixed32:
        scanner.Skip(4);
        break;
      default:
        scanner.Fail("it holds no protobuf message");
    }
  }
  if (!has_graph || header.producer.empty()) scanner.Fail("it holds no graph");
  return header;
}

void CheckReadable(const std::filesystem::path& path, const MindirHeader& header,
                   const std::string& runtime_version) {
  const bool lite_2_0 = runtime_version.rfind("2.0.", 0) == 0;
  if (!lite_2_0 || header.mindir_version <= kLite20ReadsUpTo) return;
  throw InputError(path.string() + ": exported by " + header.producer + " " +
                   header.producer_version + " (MindIR version " +
                   std::to_string(header.mindir_version) + "), but MindSpore Lite " +
                   runtime_version + " reads up to version " + std::to_string(kLite20ReadsUpTo) +
                   ": export it with MindSpore 2.0.0 (scripts/install_lite.sh makes .venv-export)");
}

}  // namespace depth
