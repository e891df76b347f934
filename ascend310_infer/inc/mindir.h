// What a .mindir says of itself, read without the runtime, whose own refusal says only "error".
#ifndef DEPTH_INFER_MINDIR_H_
#define DEPTH_INFER_MINDIR_H_

#include <cstdint>
#include <filesystem>
#include <string>

namespace depth {

struct MindirHeader {
  std::string producer;          // "MindSpore"
  std::string producer_version;  // of the exporter: "2.0.0"
  int64_t mindir_version =
      0;  // of the format: 1 from MindSpore 2.0, 3 from 2.7 to 2.10; 0: not said
  // converter_lite --optimize=general or ascend_oriented wrote it: Lite does not convert it again.
  bool converted = false;
  bool for_ascend = false;  // it holds a model that is compiled for a card
};

// Walks the protobuf message down to the graph's parts, so that 400 MB of weights are skipped, not
// read.
// Throws InputError when the file is missing, cut off or no MindIR.
MindirHeader ReadMindirHeader(const std::filesystem::path& path);

// "exported by MindSpore 2.10.0 (MindIR version 3)", for messages.
std::string Origin(const MindirHeader& header);

// Throws InputError when this runtime is known not to read that file, saying what to write it with.
void CheckReadable(const std::filesystem::path& path, const MindirHeader& header,
                   const std::string& runtime_version);

}  // namespace depth

#endif  // DEPTH_INFER_MINDIR_H_
