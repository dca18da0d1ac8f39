// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace polytask::detail {

/// Outputs that see the same rows of an input, and the modes of these rows:
/// XᵀX = VᵀΛV, where X has a column of ones if there is a bias.
class Eigenbasis {
 public:
  /// One output's labels.
  struct Target {
    at::Tensor target; // [B, ...]
    int64_t output;    // its column
  };

  /// `has_missing`: rows without a label are left out; then there is one
  /// output.
  Eigenbasis(
      at::Tensor input,
      bool has_bias,
      std::vector<Target> outputs,
      bool has_missing);

  /// d, and 1 for the bias.
  int64_t size() const {
    return size_;
  }
  /// `size` in whole vectors; what is beyond it is 0.
  int64_t modes() const {
    return modes_;
  }
  /// Λ [modes].
  const double* curvature() const {
    return curvature_.data();
  }

  /// Σ over rows of (prediction - label)² and its gradient by halves,
  /// [outputs, size], for parameters [outputs, size].
  void evaluate(
      const std::vector<double>& parameters,
      std::vector<double>& losses,
      std::vector<double>& gradients) const;
  /// The least-squares solution in modes, [outputs, modes]; where a mode's
  /// curvature is below 1e-9 of the largest, what `otherwise` has.
  std::vector<double> least_squares(const std::vector<double>& otherwise) const;

  /// [count, size] in parameters to [count, modes] in modes, and back.
  std::vector<double> to_modes(const std::vector<double>& parameters) const;
  std::vector<double> to_parameters(const std::vector<double>& modes) const;

 private:
  /// Calls `visit(x [count, size], y [outputs, count], count)` for each block.
  template <typename Visit>
  void for_each_block(const Visit& visit) const;
  template <typename Scalar, typename Visit>
  void for_each_block_of(const Visit& visit) const;

  at::Tensor input_;
  bool has_bias_;
  std::vector<Target> outputs_;
  bool has_missing_;
  int64_t size_;
  int64_t modes_;
  std::vector<double> vectors_; // V [size, size], a mode in each row
  std::vector<double> curvature_;
  std::vector<double> products_; // YᵀX [outputs, size]
};

} // namespace polytask::detail
