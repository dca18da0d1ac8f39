// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::balancing::detail {

/// The length of each row, [T] in double on the device of the rows.
at::Tensor row_lengths(const at::Tensor& rows);

} // namespace polytask::balancing::detail
