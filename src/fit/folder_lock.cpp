// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/folder_lock.h"

#include <c10/util/Exception.h>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace polytask::fit::detail {

namespace {

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  TORCH_CHECK(
      !error && std::filesystem::is_directory(folder),
      "Fit: cannot make the folder ",
      folder,
      ": ",
      error ? error.message() : "something else has that name",
      ".");
}

} // namespace

#if defined(_WIN32)

FolderLock::FolderLock(const std::string& folder) {
  make_folder(folder);
}

FolderLock::~FolderLock() = default;

#else

// A lock of an open file, not of a process: it holds against the same one, and
// ends with it. That of the folder itself, which leaves no file behind.
FolderLock::FolderLock(const std::string& folder) {
  make_folder(folder);
  file_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file_ < 0 || ::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    return;
  }
  const bool is_held = errno == EWOULDBLOCK;
  ::close(file_);
  file_ = -1;
  TORCH_CHECK(
      !is_held,
      "Fit: another training is at work in the folder ",
      folder,
      "; wait for it, or take another folder.");
}

FolderLock::~FolderLock() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

#endif

} // namespace polytask::fit::detail
