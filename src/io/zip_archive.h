// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <unordered_map>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::io::detail {

/// A zip archive, with zip64. Only records that are stored as they are can be
/// read, which those of `torch.save` are. What it says of itself is held
/// against the file's length, and records do not overlap: all of them take no
/// more memory than the file. Checksums are not compared. Throws ValueError
/// without the path.
class POLYTASK_API ZipArchive {
 public:
  explicit ZipArchive(const std::string& path);

  /// In the order of the file's directory, which is not empty.
  const std::vector<std::string>& names() const {
    return names_;
  }
  bool has(const std::string& name) const {
    return records_.count(name) > 0;
  }
  uint64_t size_of(const std::string& name) const {
    return readable(name).size;
  }
  /// So many bytes.
  void read(const std::string& name, void* to);
  std::string text(const std::string& name);

 private:
  struct Record {
    uint64_t header = 0; // where it begins
    uint64_t data = 0;
    uint64_t size = 0; // in the file
    bool is_readable = false;
  };
  // Where the directory of all records lies.
  struct Directory {
    uint64_t begin = 0;
    uint64_t size = 0;
    uint64_t count = 0;
  };

  const Record& readable(const std::string& name) const;
  Directory find_directory();
  void read_directory(const Directory& directory);
  void find_data(const std::string& name, Record& record);
  void check_order(const Directory& directory) const;
  std::string bytes(uint64_t begin, uint64_t count);
  void read_at(uint64_t begin, void* to, uint64_t count);

  std::ifstream file_;
  uint64_t length_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, Record> records_;
};

} // namespace polytask::io::detail
