// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace polytask::fit::detail {

/// Makes a folder where it is not there, and holds it as long as this lives:
/// another training, of this process or another, is refused by name. Whoever
/// is killed holds it no longer. Where a file system knows no locks, nothing
/// is held.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

} // namespace polytask::fit::detail
