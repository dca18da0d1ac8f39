// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace polytask::io::detail {

struct ScriptArgument {
  std::string name;
  std::string type;
  bool takes_tensor = false;
  std::optional<c10::IValue> default_value;
};

/// A file of `torch.jit.save`.
struct ScriptFile {
  torch::jit::Module module;
  /// Of its forward, without `self`.
  std::vector<ScriptArgument> arguments;
  /// The one that a lone tensor is for: the only one without a default, or the
  /// first where all have one.
  std::optional<size_t> sole_argument;
  /// What Python passed as `_extra_files`.
  torch::jit::ExtraFilesMap extra_files;

  /// Each tensor once: parameters, buffers, and what attributes hold.
  std::vector<at::Tensor> tensors() const;
};

/// Throws ValueError with the path.
std::shared_ptr<ScriptFile> read_script(const std::string& path);

void write_script(const std::string& path, const ScriptFile& file);

/// With tensors of its own. The code is shared, which nothing changes.
std::shared_ptr<ScriptFile> copy_script(const ScriptFile& file);

} // namespace polytask::io::detail
