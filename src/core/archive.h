// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace polytask::detail {

/// [n]: those of a text.
POLYTASK_API at::Tensor bytes_of_text(const std::string& text);

/// Reads what was written into an archive by key, and throws by the name of
/// who reads where it is not there or of another type.
class POLYTASK_API ArchiveReader {
 public:
  ArchiveReader(torch::serialize::InputArchive& archive, std::string who)
      : archive_(archive), who_(std::move(who)) {}

  bool has(const std::string& key) const;
  std::string text(const std::string& key) const;
  int64_t integer(const std::string& key) const;
  double number(const std::string& key) const;
  at::Tensor tensor(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;
  std::vector<int64_t> integers(const std::string& key) const;
  /// What `write_tensors` wrote.
  std::map<std::string, at::Tensor> tensors(const std::string& key) const;

 private:
  c10::IValue value(const std::string& key, const char* what) const;
  [[noreturn]] void refuse(
      const std::string& key, const char* expected, const char* found) const;

  torch::serialize::InputArchive& archive_;
  std::string who_;
};

/// An archive takes no map, and not every name for a key: writes the names as a
/// list, and the tensors by their place in it.
POLYTASK_API void write_tensors(
    torch::serialize::OutputArchive& archive,
    const std::string& key,
    const std::map<std::string, at::Tensor>& tensors);

POLYTASK_API void write_texts(
    torch::serialize::OutputArchive& archive,
    const std::string& key,
    const std::vector<std::string>& texts);

} // namespace polytask::detail
