// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/new_file.h"

#include <c10/util/Exception.h>

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <random>
#include <regex>
#include <system_error>
#include <utility>

namespace polytask::detail {

namespace {

constexpr auto kBeside = ".tmp";

int flush_to_disk(std::FILE* file) {
#if defined(_WIN32)
  return ::_commit(::_fileno(file));
#else
  return ::fsync(::fileno(file));
#endif
}

// A rename lasts when the folder is on the disk. Some systems have no such
// thing; then there is nothing to be done.
void flush_folder_of(const std::string& path) {
#if !defined(_WIN32)
  const auto parent = std::filesystem::path(path).parent_path();
  const int folder =
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
#else
  (void)path;
#endif
}

// Of no other thread, and hardly of another process or machine; see
// is_left_over.
std::string name_beside(const std::string& path) {
  static std::atomic<uint32_t> count{0};
  std::random_device device;
  return path + "." + std::to_string(device()) + "-" + std::to_string(count++) +
      kBeside;
}

} // namespace

NewFile::NewFile(std::string who, std::string path)
    : who_(std::move(who)), path_(std::move(path)) {
  do { // "x": a file that is there already is another writer's
    beside_ = name_beside(path_);
    errno = 0;
    file_ = std::fopen(beside_.c_str(), "wbx");
  } while (!file_ && errno == EEXIST);
  if (!file_) {
    fail(errno);
  }
}

NewFile::~NewFile() {
  if (file_) {
    std::fclose(file_);
    std::error_code ignored;
    std::filesystem::remove(beside_, ignored);
  }
}

void NewFile::write(const void* data, size_t size) {
  errno = 0;
  if (error_ == 0 && std::fwrite(data, 1, size, file_) != size) {
    error_ = errno != 0 ? errno : EIO;
  }
}

void NewFile::put_in_place() {
  errno = 0;
  if (error_ != 0) {
    fail(error_);
  }
  if (std::fflush(file_) != 0 || flush_to_disk(file_) != 0) {
    fail(errno);
  }
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  std::error_code error(closed ? 0 : errno, std::generic_category());
  if (!error) {
    std::filesystem::rename(beside_, path_, error);
  }
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(beside_, ignored);
    fail(error.value());
  }
  flush_folder_of(path_);
}

bool NewFile::is_left_over(const std::string& name) {
  static const std::regex pattern(R"(.+\.\d+-\d+\.tmp)");
  return std::regex_match(name, pattern);
}

void NewFile::fail(int error) const {
  TORCH_CHECK(
      false,
      who_,
      ": cannot write ",
      path_,
      ": ",
      std::error_code(error, std::generic_category()).message(),
      ".");
}

} // namespace polytask::detail
