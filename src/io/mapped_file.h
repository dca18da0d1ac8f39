// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace polytask::io::detail {

/// The bytes of a file, which are read as they are used. They may be written:
/// that copies the page and leaves the file alone. Where there is no such
/// thing, on Windows, all are read at once.
class MappedFile {
 public:
  /// Throws `c10::ValueError`, with `who`, if it cannot be read.
  MappedFile(const std::string& who, const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// Null where the file is empty.
  char* data() const {
    return data_;
  }
  size_t size() const {
    return size_;
  }
  std::string_view bytes() const {
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

} // namespace polytask::io::detail
