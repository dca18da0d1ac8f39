// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace polytask::balancing::detail {

/// Makes `kept` zeros like the Jacobian if it is not defined; else moves it to
/// the Jacobian's dtype and device. Throws, naming `who`, on another shape.
void keep_rows(
    at::Tensor& kept, const at::Tensor& jacobian, const std::string& who);

/// The length of each row, [T] in double on the device of the rows.
at::Tensor row_lengths(const at::Tensor& rows);

} // namespace polytask::balancing::detail
