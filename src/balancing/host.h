// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// The values of a vector in double; waits for a device once. Throws, naming
/// `who`, unless it has one dimension.
math::Vector host_values(const at::Tensor& vector, const std::string& who);

/// The same of a square matrix.
math::Matrix host_matrix(const at::Tensor& matrix, const std::string& who);

/// Throws, naming `who`, unless it is a floating-point tensor [T, ...].
void check_jacobian(const at::Tensor& jacobian, const std::string& who);

/// Throws, naming `who`, if it is on the CPU and not finite.
void check_finite_rows(const at::Tensor& jacobian, const std::string& who);

/// J Jᵀ in double of a Jacobian [T, N]: symmetric, of the Jacobian's rounding.
math::Matrix host_gramian(const at::Tensor& jacobian);
/// A Bᵀ for two of the same shape.
math::Matrix host_products(const at::Tensor& a, const at::Tensor& b);

/// `weights` [T] · `rows` [T, ...], of the rows' dtype: rounded once, however
/// large the weights are beside the sum.
at::Tensor weighted_sum(const math::Vector& weights, const at::Tensor& rows);
/// The same, quicker, for weights that do not let rows cancel.
at::Tensor plain_weighted_sum(
    const math::Vector& weights, const at::Tensor& rows);

/// Throws, naming `who`, if an update that lies on the CPU is not finite.
void check_finite_update(const at::Tensor& update, const std::string& who);

} // namespace polytask::balancing::detail
