// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

// Weighted means and squares about them for each column of [B, k], in double,
// which join without a loss of digits where the mean is far from 0: each mean
// is kept as its distance from a pivot near it, and squares are never taken
// about 0.
//
// Source: T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating Formulae and a
// Pairwise Algorithm for Computing Sample Variances", COMPSTAT 1982.
namespace polytask::detail {

/// Of one variable: a tensor [4, k] of weight, pivot, mean - pivot and
/// Σ w (x - mean)². `weights` [B, k], or undefined if each row counts once; x
/// is finite where they are 0. The squares of equal numbers are exactly 0.
at::Tensor moments(const at::Tensor& x, const at::Tensor& weights);

/// Of two variables: a tensor [8, k], also with Σ w (x - mean)(y - mean).
at::Tensor moments(
    const at::Tensor& x, const at::Tensor& y, const at::Tensor& weights);

/// Of all rows together.
at::Tensor merged_moments(const std::vector<at::Tensor>& parts);

struct MomentsView {
  at::Tensor weight;
  at::Tensor mean;
  at::Tensor squares; // about the mean
};
/// Of one variable.
MomentsView view_moments(const at::Tensor& moments);

/// The correlation of two variables [k]: NaN where one of them is constant.
at::Tensor correlation(const at::Tensor& moments);
/// Whether the second variable varies: bool [k].
at::Tensor second_varies(const at::Tensor& moments);

} // namespace polytask::detail
