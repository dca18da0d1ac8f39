// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <polytask/io/safetensors.h>
#include <polytask/io/weights.h>

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "io/own_weights.h"

namespace polytask::io::detail {

/// Tensors by name of a file of safetensors, which reads those that are asked
/// for, or of Python's.
class WeightsFile {
 public:
  /// `key` as LoadWeightsOptions::key. Throws if there are no weights in it.
  WeightsFile(const std::string& path, const std::string& key);

  /// Those that are other names of one in the file, too.
  const std::vector<std::string>& names() const {
    return names_;
  }
  /// Whether the file holds no tensor of that name, but says beside that it is
  /// another name of one.
  bool is_alias(const std::string& name) const {
    return aliases_.count(name) > 0;
  }
  at::Tensor tensor(const std::string& name) const;

 private:
  void open_safetensors(const std::string& path, const std::string& key);
  void open_python(const std::string& path, const std::string& key);

  std::vector<std::string> names_;
  std::optional<SafetensorsFile> safetensors_;
  /// Metadata of the file that name one of its tensors.
  std::map<std::string, std::string> aliases_;
  NamedTensors tensors_{"Tensor"};
};

/// By the path's ending.
void write_weights(
    const std::string& path,
    const StoredWeights& weights,
    const std::map<std::string, std::string>& metadata);

/// Gives names of a file a module's.
class Renaming {
 public:
  /// Throws ValueError for what is no regular expression.
  explicit Renaming(const std::vector<WeightsRename>& renames);

  /// One after the other. Throws ValueError for a name too long for them.
  std::string operator()(std::string name);

  /// What no name so far had.
  std::vector<std::string> without_match() const;

 private:
  const std::vector<WeightsRename>& renames_;
  /// One for each; empty where it is none.
  std::vector<std::optional<std::regex>> patterns_;
  std::vector<bool> has_matched_;
};

/// Of a contiguous tensor on the host, or of a copy that is one.
std::string bytes_of(const at::Tensor& tensor);

} // namespace polytask::io::detail
