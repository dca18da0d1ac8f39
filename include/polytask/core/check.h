// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// `'a', 'b', 'c'`, for messages that list what there is.
POLYTASK_API std::string quoted(const std::vector<std::string>& names);

/// Throws the error that is being handled again, as the same kind of error
/// with `who` before its message. Call it inside a `catch`.
[[noreturn]] POLYTASK_API void rethrow_with(const std::string& who);

/// The value of a one-element floating-point tensor, read without the
/// dispatcher; nothing where reading it would wait for a device.
POLYTASK_API std::optional<double> host_value(const at::Tensor& scalar);

} // namespace polytask::detail
