#include "files.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <system_error>

#include "error.h"

namespace depth {
namespace fs = std::filesystem;
namespace {

constexpr std::array<const char*, 11> kEndings = {".bin", ".bmp", ".jpeg", ".jpg",  ".pbm", ".pgm",
                                                  ".png", ".ppm", ".tif",  ".tiff", ".webp"};

std::string LowerEnding(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

bool IsWanted(const fs::path& path) {
  return std::find(kEndings.begin(), kEndings.end(), LowerEnding(path)) != kEndings.end();
}

std::string Endings() {
  std::string text;
  for (const char* ending : kEndings) text += (text.empty() ? "" : " ") + std::string(ending);
  return text;
}

void AddFolder(const fs::path& folder, std::vector<InputFile>* files) {
  const size_t before = files->size();
  try {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file() || !IsWanted(entry.path())) continue;
      auto stem = entry.path().lexically_relative(folder);
      files->push_back({entry.path(), stem.replace_extension(), true});
    }
  } catch (const fs::filesystem_error& error) {
    throw InputError(folder.string() + ": cannot be listed (" + error.code().message() + ")");
  }
  if (files->size() == before) {
    throw InputError(folder.string() + ": no input files in it (looked for " + Endings() + ")");
  }
  std::sort(files->begin() + static_cast<std::ptrdiff_t>(before), files->end(),
            [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
}

// Names that differ in nothing but the ending keep it in their results: a.jpg gives a_jpg_0.bin.
void KeepApart(std::vector<InputFile>* files) {
  std::map<fs::path, int> count;
  for (const InputFile& file : *files) ++count[file.stem];
  for (InputFile& file : *files) {
    if (count[file.stem] == 1) continue;
    std::string name = file.path.filename().string();
    std::replace(name.begin(), name.end(), '.', '_');
    file.stem.replace_filename(name);
  }
}

}  // namespace

bool IsBin(const fs::path& path) { return LowerEnding(path) == ".bin"; }

void CheckDistinct(const std::vector<InputFile>& files) {
  std::map<fs::path, fs::path> seen;
  for (const InputFile& file : files) {
    const auto [first, added] = seen.emplace(file.stem, file.path);
    if (!added) {
      throw InputError(file.path.string() + ": its results would overwrite those of " +
                       first->second.string() + "; rename one or run them apart");
    }
  }
}

std::vector<InputFile> ListInputs(const std::vector<fs::path>& paths) {
  std::vector<InputFile> files;
  for (const fs::path& path : paths) {
    if (fs::is_directory(path)) {
      AddFolder(path, &files);
    } else if (!fs::exists(path)) {
      throw InputError(path.string() + ": no such file or folder");
    } else if (!IsWanted(path)) {
      throw InputError(path.string() + ": not an image or .bin file (expected " + Endings() + ")");
    } else {
      files.push_back({path, path.stem(), false});
    }
  }
  KeepApart(&files);
  CheckDistinct(files);
  return files;
}

void WriteAtomic(const fs::path& path, const void* data, size_t size) {
  fs::path temporary = path;
  temporary += ".tmp" + std::to_string(getpid());
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  file.close();
  std::error_code error;
  if (file) {
    fs::rename(temporary, path, error);
    if (!error) return;
  }
  const std::string reason = error ? error.message() : std::strerror(errno);
  fs::remove(temporary, error);
  throw std::runtime_error(path.string() + ": cannot be written (" + reason + ")");
}

void WriteAtomic(const fs::path& path, const std::string& text) {
  WriteAtomic(path, text.data(), text.size());
}

std::vector<unsigned char> ReadBytes(const fs::path& path) {
  if (fs::is_directory(path)) throw InputError(path.string() + ": cannot be read (it is a folder)");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size < 0) throw InputError(path.string() + ": cannot be read (" + std::strerror(errno) + ")");
  std::vector<unsigned char> bytes(static_cast<size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!file) throw InputError(path.string() + ": cannot be read to its end");
  return bytes;
}

}  // namespace depth
