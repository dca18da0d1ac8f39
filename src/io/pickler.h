// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace polytask::io::detail {

/// A value as Python's pickle, and the tensors whose bytes, contiguous, are its
/// storages 0, 1, and so on.
struct Pickled {
  std::string pickle;
  std::vector<at::Tensor> storages;
};

/// See write_python for the values, and for what it throws.
Pickled pickled(const c10::IValue& value);

} // namespace polytask::io::detail
