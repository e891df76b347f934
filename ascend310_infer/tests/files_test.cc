#include "files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support.h"

using depth::ListInputs;

TEST_CASE("a folder gives its images and tensors, sorted, with their places") {
  const ScratchFolder folder;
  for (const char* name : {"b.PNG", "a.jpg", "sub/c.bin", "readme.txt", "sub/d.json", ".hidden"}) {
    folder.Write(name, "x");
  }
  const auto files = ListInputs({folder.path()});
  REQUIRE(files.size() == 3);
  CHECK(files[0].stem == "a");
  CHECK(files[1].stem == "b");
  CHECK(files[2].stem == std::filesystem::path("sub/c"));
  CHECK(depth::IsBin(files[2].path));
  CHECK_FALSE(depth::IsBin(files[0].path));
}

TEST_CASE("single files keep the order in which they are given") {
  const ScratchFolder folder;
  const auto z = folder.Write("z.jpg", "x"), a = folder.Write("sub/a.jpg", "x");
  const auto files = ListInputs({z, a});
  REQUIRE(files.size() == 2);
  CHECK(files[0].stem == "z");
  CHECK(files[1].stem == "a");
}

TEST_CASE("nothing to do is an error that says what was looked for") {
  const ScratchFolder folder;
  CHECK(Contains(InputErrorOf([&] { ListInputs({folder.path()}); }), "no input files"));
  folder.Write("a.txt", "x");
  CHECK(Contains(InputErrorOf([&] { ListInputs({folder.path()}); }), ".png"));
  CHECK(Contains(InputErrorOf([&] { ListInputs({folder / "a.txt"}); }), "not an image"));
  CHECK(Contains(InputErrorOf([&] { ListInputs({folder / "gone"}); }), "no such file"));
}

TEST_CASE("files that differ in their ending keep it") {
  const ScratchFolder folder;
  for (const char* name : {"sub/a.jpg", "sub/a.png", "sub/b.v2.png"}) folder.Write(name, "x");
  const auto files = ListInputs({folder.path()});
  REQUIRE(files.size() == 3);
  CHECK(files[0].stem == std::filesystem::path("sub/a_jpg"));
  CHECK(files[1].stem == std::filesystem::path("sub/a_png"));
  CHECK(files[2].stem == std::filesystem::path("sub/b.v2"));
}

TEST_CASE("two files with one result name are refused by name") {
  const ScratchFolder folder;
  const auto one = folder.Write("one/a.jpg", "x"), two = folder.Write("two/a.jpg", "x");
  const std::string error = InputErrorOf([&] { ListInputs({one, two}); });
  CHECK(Contains(error, one.string()));
  CHECK(Contains(error, two.string()));
}

TEST_CASE("files are written whole or not at all") {
  const ScratchFolder folder;
  depth::WriteAtomic(folder / "out", std::string("one"));
  depth::WriteAtomic(folder / "out", std::string("three"));
  const auto bytes = depth::ReadBytes(folder / "out");
  CHECK(std::string(bytes.begin(), bytes.end()) == "three");
  const auto entries = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  CHECK(entries == 1);
  CHECK_THROWS_WITH_AS(depth::WriteAtomic(folder / "no" / "out", std::string("x")),
                       doctest::Contains("cannot be written"), std::runtime_error);
  CHECK(Contains(InputErrorOf([&] { depth::ReadBytes(folder / "gone"); }), "No such file"));
  CHECK(Contains(InputErrorOf([&] { depth::ReadBytes(folder.path()); }), "cannot be read"));
}

TEST_CASE("a full disk names the file and leaves the old one" *
          doctest::skip(!std::filesystem::exists("/dev/full"))) {
  const ScratchFolder folder;
  depth::WriteAtomic(folder / "out", std::string("old"));
  // The temporary file's name is known; a link to /dev/full in its place is a disk without room.
  const auto temporary = (folder / "out").string() + ".tmp" + std::to_string(getpid());
  std::filesystem::create_symlink("/dev/full", temporary);
  CHECK_THROWS_WITH_AS(depth::WriteAtomic(folder / "out", std::string(1 << 20, 'x')),
                       doctest::Contains("No space left"), std::runtime_error);
  const auto bytes = depth::ReadBytes(folder / "out");
  CHECK(std::string(bytes.begin(), bytes.end()) == "old");
}
