// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/kept_rows.h>

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

namespace polytask::balancing {

KeptRows::KeptRows() {
  buffer("steps");
}

void KeptRows::start() {
  buffer("steps") = at::scalar_tensor(0, at::kLong);
}

at::Tensor& KeptRows::kept_rows(
    const std::string& buffer_name, const at::Tensor& jacobian) {
  at::Tensor& kept = buffer(buffer_name);
  if (!kept.defined()) {
    kept = at::zeros_like(jacobian, at::MemoryFormat::Contiguous);
    return kept;
  }
  TORCH_CHECK_VALUE(
      kept.sizes() == jacobian.sizes(),
      name(),
      ": keeps gradients ",
      kept.sizes(),
      ", but got ",
      jacobian.sizes(),
      "; reset() forgets them.");
  kept = kept.to(jacobian.options());
  return kept;
}

int64_t KeptRows::count_step() {
  const auto before = buffer("steps").item<int64_t>();
  buffer("steps") = at::scalar_tensor(before + 1, at::kLong);
  return before;
}

} // namespace polytask::balancing
