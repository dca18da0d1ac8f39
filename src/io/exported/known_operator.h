// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <string>

namespace polytask::io::detail {

/// The operator of `torch.ops.aten.linear.default`. Throws where this LibTorch
/// has none of that name, and where it is one that a program of unknown origin
/// is not to call: that reads files or memory that it was not given, gives
/// tensors another memory, or relies on what its callers checked.
c10::OperatorHandle known_operator(const std::string& target);

/// Whether it turns its first argument, in place, into one of another shape or
/// without a graph (`unsqueeze_`, `detach_`).
bool changes_shape(const c10::OperatorHandle& op);

} // namespace polytask::io::detail
