// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include <polytask/core/api.h>

namespace polytask::detail {

/// A file that is written beside, under a name that no other writer has, and
/// then put in its place: whoever is killed meanwhile leaves the old file or
/// the new one. Where it is given up before, the old file alone is there. All
/// errors are thrown with `who` and the path.
class POLYTASK_API NewFile {
 public:
  NewFile(std::string who, std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Does not throw, as LibTorch's writers end the program where what they
  /// write to does: `put_in_place` tells what went wrong.
  void write(const void* data, size_t size);
  /// Syncs it, renames it and syncs its folder; nothing may follow.
  void put_in_place();

  /// Whether a file's name is one that a writer which was killed left.
  static bool is_left_over(const std::string& name);

 private:
  [[noreturn]] void fail(int error) const;

  std::string who_;
  std::string path_;
  std::string beside_;
  std::FILE* file_ = nullptr;
  int error_ = 0;
};

} // namespace polytask::detail
