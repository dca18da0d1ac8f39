// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/balancing/balancing.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// J_1 J_2ᵀ of the extras "jacobian_1", or the main input, and "jacobian_2".
/// Throws, naming `who`, if the latter is missing or the shapes differ.
math::Matrix products_of_batches(
    const at::Tensor& jacobian, const Extras& extras, const std::string& who);

/// "jacobian_3" of the extras, or the main input. Throws if it is not finite.
at::Tensor rows_of_third_batch(
    const at::Tensor& jacobian, const Extras& extras, const std::string& who);

} // namespace polytask::balancing::detail
