// Which files to run, and where their results go.
#ifndef DEPTH_INFER_FILES_H_
#define DEPTH_INFER_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

namespace depth {

struct InputFile {
  std::filesystem::path path;
  std::filesystem::path stem;  // result name without ending, relative to the output folder
  bool is_listed = false;      // found in a folder, not named by the user
};

// True for the prepared tensors of preprocess.py.
bool IsBin(const std::filesystem::path& path);

// Throws InputError when two files would write the same result.
void CheckDistinct(const std::vector<InputFile>& files);

// Files as given, folders with everything below them (sorted; other endings are left out); results
// keep the folders' structure. Throws InputError when a path is missing, nothing is found, or two
// files would write the same result.
std::vector<InputFile> ListInputs(const std::vector<std::filesystem::path>& paths);

// Writes to a temporary name beside the target, then renames: no reader ever sees half a file.
// Throws std::runtime_error that names the file and the system's reason.
void WriteAtomic(const std::filesystem::path& path, const void* data, size_t size);
void WriteAtomic(const std::filesystem::path& path, const std::string& text);

// The whole file; throws InputError when it cannot be read.
std::vector<unsigned char> ReadBytes(const std::filesystem::path& path);

}  // namespace depth

#endif  // DEPTH_INFER_FILES_H_
