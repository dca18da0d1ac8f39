// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/write_file.h"
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using detail::write_file;
using testing::error_of;
using testing::says;

class WriteFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder);
  }
  std::string content() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  auto files() const {
    return std::distance(
        std::filesystem::directory_iterator(folder),
        std::filesystem::directory_iterator());
  }

  const std::string folder = ::testing::TempDir() + "polytask_write_file";
  const std::string path = folder + "/a.txt";
};

TEST_F(WriteFile, ReplacesWhatWasThereAndLeavesNothingBeside) {
  write_file("test", path, "one");
  write_file("test", path, "two\n");
  EXPECT_EQ(content(), "two\n");
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteFile, LeavesAFileOfItsOldTemporaryNameAlone) {
  std::ofstream(path + ".tmp") << "somebody's";
  write_file("test", path, "text");
  EXPECT_EQ(content(), "text");
  EXPECT_EQ(files(), 2);
}

// Two processes, each of which writes texts of its own.
TEST_F(WriteFile, LeavesOneWholeTextOfTwoProcesses) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  const std::string text(200000, child == 0 ? 'c' : 'p');
  int failures = 0;
  for (int i = 0; i < 50; ++i) {
    failures +=
        error_of([&] { write_file("test", path, text); }).empty() ? 0 : 1;
    const std::string found = content();
    failures +=
        found == std::string(200000, 'c') || found == std::string(200000, 'p')
        ? 0
        : 1;
  }
  if (child == 0) {
    _exit(failures == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteFile, KeepsTheOldFileWhereTheDiskIsFull) {
  write_file("test", path, "old");
  std::string message;
  {
    const testing::FileSizeLimit limit(1000);
    message =
        error_of([&] { write_file("test", path, std::string(100000, 'x')); });
  }
  EXPECT_TRUE(says(message, {"test: cannot write ", path}));
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteFile, NamesAPathThatCannotBeWritten) {
  const auto absent = folder + "/absent/a.txt";
  EXPECT_TRUE(
      says(error_of([&] { write_file("test", absent, ""); }), {absent}));
  std::filesystem::create_directory(path);
  EXPECT_TRUE(says(error_of([&] { write_file("test", path, ""); }), {path}));
  EXPECT_EQ(files(), 1);
}

} // namespace
} // namespace polytask
