// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The logit of the product of the probabilities that these logits, all of one
/// shape, are of; at least one. Float32 where they are in half precision.
///
/// With E = 1 / p - 1 = e^-logit, of two factors E = E_a + E_b + E_a E_b: a sum
/// of what is positive, so nothing cancels, and in logarithms nothing
/// overflows.
POLYTASK_API at::Tensor logit_of_product(const std::vector<at::Tensor>& logits);

} // namespace polytask::detail
