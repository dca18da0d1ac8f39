// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::detail {

/// A number for each column, [k], or one for all as a scalar: a copy in double
/// on the host. Throws, with `what` they are, unless all are finite.
at::Tensor column_numbers(const at::Tensor& numbers, const char* what);
at::Tensor column_numbers(double number, const char* what);

/// As tensors of this device and dtype and of the shape of a row: what
/// broadcasts to `values` [B, ...]. Throws if there is not one for each column.
at::Tensor for_rows_of(
    const at::Tensor& values, const at::Tensor& numbers, const char* what);

} // namespace polytask::detail
