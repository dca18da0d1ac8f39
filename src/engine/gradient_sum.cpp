// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "gradient_sum.h"

#include <ATen/TensorOperators.h>

namespace polytask::detail {

at::Tensor gradient_sum(at::Tensor there, const at::Tensor& more) {
  if (there.layout() == at::kStrided) {
    return there.add_(more);
  }
  return there.layout() == more.layout() ? there + more : more + there;
}

} // namespace polytask::detail
