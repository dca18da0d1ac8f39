// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/write_file.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace polytask::detail {

namespace {

// 0, or the number of the error.
int write_and_close(std::FILE* file, const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
      std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  const int error = written ? 0 : errno;
  const bool closed = std::fclose(file) == 0;
  return error != 0 || closed ? error : errno;
}

} // namespace

void write_file(
    const std::string& who, const std::string& path, const std::string& text) {
  const std::string beside = path + ".tmp";
  std::FILE* const file = std::fopen(beside.c_str(), "wb");
  int error = file ? write_and_close(file, text) : errno;
  if (error == 0 && std::rename(beside.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0 && file) {
    std::remove(beside.c_str());
  }
  TORCH_CHECK(
      error == 0,
      who,
      ": cannot write ",
      path,
      ": ",
      std::generic_category().message(error),
      ".");
}

} // namespace polytask::detail
