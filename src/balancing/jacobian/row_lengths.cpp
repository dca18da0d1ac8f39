// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "row_lengths.h"

#include <ATen/ops/linalg_vector_norm.h>

#include "core/in_double.h"

namespace polytask::balancing::detail {

at::Tensor row_lengths(const at::Tensor& rows) {
  return at::linalg_vector_norm(
      polytask::detail::where_double_is(rows),
      2,
      at::IntArrayRef{1},
      /*keepdim=*/false,
      at::kDouble);
}

} // namespace polytask::balancing::detail
