// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/write_file.h"

#include <c10/util/Exception.h>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <system_error>

namespace polytask::detail {

namespace {

int flush_to_disk(std::FILE* file) {
#if defined(_WIN32)
  return ::_commit(::_fileno(file));
#else
  return ::fsync(::fileno(file));
#endif
}

// 0, or the number of the error.
int write_and_close(std::FILE* file, const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
      std::fflush(file) == 0 && flush_to_disk(file) == 0;
  const int error = written ? 0 : errno;
  const bool closed = std::fclose(file) == 0;
  return error != 0 || closed ? error : errno;
}

// Of no other thread, and hardly of another process or machine.
std::string name_beside(const std::string& path) {
  static std::atomic<uint32_t> count{0};
  std::random_device device;
  return path + "." + std::to_string(device()) + "-" + std::to_string(count++) +
      ".tmp";
}

} // namespace

void write_file(
    const std::string& who, const std::string& path, const std::string& text) {
  std::string beside;
  std::FILE* file = nullptr;
  do { // "x": a file that is there already is another writer's
    beside = name_beside(path);
    errno = 0;
    file = std::fopen(beside.c_str(), "wbx");
  } while (!file && errno == EEXIST);
  std::error_code error(
      file ? write_and_close(file, text) : errno, std::generic_category());
  if (!error) {
    std::filesystem::rename(beside, path, error);
  }
  if (error && file) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
  }
  TORCH_CHECK(!error, who, ": cannot write ", path, ": ", error.message(), ".");
}

} // namespace polytask::detail
