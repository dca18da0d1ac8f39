// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "kept_rows.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

namespace polytask::balancing::detail {

void keep_rows(
    at::Tensor& kept, const at::Tensor& jacobian, const std::string& who) {
  if (!kept.defined()) {
    kept = at::zeros_like(jacobian, at::MemoryFormat::Contiguous);
    return;
  }
  TORCH_CHECK_VALUE(
      kept.sizes() == jacobian.sizes(),
      who,
      ": keeps gradients ",
      kept.sizes(),
      ", but got ",
      jacobian.sizes(),
      "; reset() forgets them.");
  kept = kept.to(jacobian.options());
}

at::Tensor row_lengths(const at::Tensor& rows) {
  return at::linalg_vector_norm(
      rows, 2, at::IntArrayRef{1}, /*keepdim=*/false, at::kDouble);
}

} // namespace polytask::balancing::detail
