// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <polytask/core/api.h>

namespace polytask::data {

struct POLYTASK_API StandardizerOptions {
  /// `transform` puts the column's mean, and so 0, for a missing value.
  TORCH_ARG(bool, impute) = false;
};

/// Brings columns to mean 0 and standard deviation 1, as computed on the rows
/// to train on; NaN is missing and left alone.
///
/// ```cpp
/// auto scaler = polytask::data::Standardizer::fit(x_train);
/// auto x = scaler.transform(x_test);
/// ```
class POLYTASK_API Standardizer {
 public:
  /// Takes mean and population standard deviation (divided by n, not n - 1) of
  /// what is present in each column of `values` [n, d], in double precision.
  ///
  /// Throws `c10::ValueError`, with the column, if a column has no value or an
  /// infinite one.
  static Standardizer fit(
      const at::Tensor& values, StandardizerOptions options = {});

  /// (values - mean) / scale, for `values` [n, d] of a floating-point type, in
  /// their type and on their device. A column that is constant in `fit` (its
  /// scale is below 1e-12) becomes all 0.
  at::Tensor transform(const at::Tensor& values) const;

  /// values * scale + mean; what is imputed does not become missing again.
  at::Tensor inverse(const at::Tensor& values) const;

  /// The columns' means: float64 [d] on the device of the values of `fit`.
  const at::Tensor& mean() const {
    return mean_;
  }
  /// The columns' standard deviations, likewise; 0 for a constant column.
  const at::Tensor& scale() const {
    return scale_;
  }

 private:
  Standardizer(at::Tensor mean, at::Tensor scale, StandardizerOptions options);
  void check(const char* who, const at::Tensor& values) const;

  at::Tensor mean_;
  at::Tensor scale_;
  StandardizerOptions options_;
};

} // namespace polytask::data
