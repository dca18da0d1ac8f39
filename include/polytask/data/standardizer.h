// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstdint>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

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
/// torch::save(scaler, "scaler.pt"); // and where the model is used:
/// polytask::data::Standardizer same;
/// torch::load(same, "scaler.pt");
/// ```
class POLYTASK_API Standardizer {
 public:
  /// Of no column yet: to be loaded.
  Standardizer() = default;

  /// From the columns' means and standard deviations [d], of any real type.
  ///
  /// Throws `c10::ValueError`, with the column, for a mean that is not finite
  /// and a deviation that is negative or not finite; and if the two differ in
  /// length or device.
  Standardizer(
      const at::Tensor& mean,
      const at::Tensor& scale,
      StandardizerOptions options = {});

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

  /// The number of columns.
  int64_t width() const {
    return mean_.defined() ? mean_.size(0) : 0;
  }
  const StandardizerOptions& options() const {
    return options_;
  }
  /// The columns' means: float64 [d] on the device of the values of `fit`, and
  /// on the CPU where they were loaded.
  const at::Tensor& mean() const {
    return mean_;
  }
  /// The columns' standard deviations, likewise; 0 for a constant column.
  const at::Tensor& scale() const {
    return scale_;
  }

  /// Means, deviations and options as an archive: `torch::save(scaler, path)`,
  /// `torch::load`. `load` throws `c10::ValueError`, and nothing changes, for
  /// numbers of another width than a fitted one has, for numbers that the
  /// constructor refuses, and for the archive of anything else.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  void check(const char* who, const at::Tensor& values) const;

  at::Tensor mean_;
  at::Tensor scale_;
  StandardizerOptions options_;
};

inline torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Standardizer& scaler) {
  scaler.save(archive);
  return archive;
}

inline torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Standardizer& scaler) {
  scaler.load(archive);
  return archive;
}

} // namespace polytask::data
