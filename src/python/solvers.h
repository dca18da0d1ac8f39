// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::python {

// The solvers of small convex problems, in double on the CPU; what they give is
// of the input's dtype and device, and has no graph.

/// v [T] = argmin of vᵀ G v subject to v ≥ u, for a Gramian [T, T] and u [T].
at::Tensor dual_cone_projection(const at::Tensor& gramian, const at::Tensor& u);
/// w [T] = argmin of wᵀ G w on the probability simplex, for a Gramian [T, T].
at::Tensor min_norm_point(const at::Tensor& gramian);
/// The point [T] of the probability simplex that is nearest to `values` [T].
at::Tensor simplex_projection(const at::Tensor& values);

} // namespace polytask::python
