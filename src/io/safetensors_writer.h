// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include <polytask/core/api.h>
#include "io/own_weights.h"
#include "io/safetensors_header.h"

namespace polytask::io::detail {

/// What a tensor is that the format cannot hold; empty for all others.
POLYTASK_API std::string safetensors_fault(const at::Tensor& tensor);

/// A file of safetensors before it is written.
class POLYTASK_API SafetensorsWriter {
 public:
  /// Throws as `write_safetensors`, with `who`, if something cannot be written.
  SafetensorsWriter(
      const std::string& who,
      NamedTensors tensors,
      const std::map<std::string, std::string>& metadata);

  /// The file's bytes, piece after piece; a tensor's data are looked at when it
  /// is its turn.
  void write_to(const std::function<void(const void*, size_t)>& write) const;

 private:
  NamedTensors tensors_;
  SafetensorsHeader header_;
  std::string text_;
};

} // namespace polytask::io::detail
