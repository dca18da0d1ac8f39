// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>

#include <polytask/math/matrix.h>

namespace polytask::detail {

/// A Gramian that grows block by block. Products within a block are summed in
/// the rows' dtype, on the host in double where their range is too small;
/// blocks in double: in float alone a million columns would cost four digits.
/// Its rounding is that of the rows' dtype.
class GramianSum {
 public:
  explicit GramianSum(int64_t tasks) : tasks_(tasks), host_(tasks) {}

  /// += R Rᵀ for rows [n, columns].
  void add_rows(const torch::Tensor& rows);
  /// += A Bᵀ, of two of that shape whose product is symmetric.
  void add_products(const torch::Tensor& a, const torch::Tensor& b);

  /// Waits for the device.
  math::Matrix value() const;

 private:
  void add_on_host(const torch::Tensor& a, const torch::Tensor& b);
  void add_on_device(const torch::Tensor& part);
  template <typename Scalar>
  void add_as(const torch::Tensor& a, const torch::Tensor& b);

  int64_t tasks_;
  math::Matrix host_;
  torch::Tensor device_;
  double rounding_ = math::kDoubleRounding;
};

} // namespace polytask::detail
