// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "gradient_sum.h"

#include <ATen/MemoryOverlap.h>
#include <ATen/TensorOperators.h>

namespace polytask::detail {

at::Tensor gradient_sum(at::Tensor there, const at::Tensor& more) {
  if (there.layout() == at::kStrided) {
    // One value may stand for many, in a user's expanded gradient.
    return at::has_internal_overlap(there) == at::MemOverlap::Yes
        ? there + more
        : there.add_(more);
  }
  return there.layout() == more.layout() ? there + more : more + there;
}

} // namespace polytask::detail
