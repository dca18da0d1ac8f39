// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::data {

/// Named columns of numbers, as read from a file; NaN where one is missing.
///
/// ```cpp
/// auto table = polytask::data::read_csv("energy.csv");
/// auto y = table.values({"heating", "cooling"});
/// auto x = table.values(table.columns_except({"heating", "cooling"}));
/// ```
class POLYTASK_API Table {
 public:
  /// From the columns' names and `values` [rows, columns] of any real type,
  /// kept as float64 on the CPU; not copied where they are that already.
  ///
  /// Throws `c10::ValueError` if the numbers of names and columns differ or a
  /// name comes twice.
  Table(std::vector<std::string> columns, const at::Tensor& values);

  const std::vector<std::string>& columns() const {
    return columns_;
  }
  int64_t rows() const {
    return values_.size(0);
  }

  /// All columns as they are kept: float64 [rows, columns], not copied.
  const at::Tensor& values() const {
    return values_;
  }

  /// The named columns in the order of `names`: [rows, names].
  ///
  /// Throws `c10::ValueError` for an unknown column, and, if `dtype` is an
  /// integer type, for a value that it cannot hold (a fraction, a missing
  /// value).
  at::Tensor values(
      const std::vector<std::string>& names,
      at::ScalarType dtype = at::kFloat) const;

  /// The place of a column, from 0; throws `c10::ValueError` for an unknown
  /// one.
  int64_t position(const std::string& name) const;

  /// The other columns' names, in the table's order; throws for an unknown one.
  std::vector<std::string> columns_except(
      const std::vector<std::string>& names) const;

  /// The rows that `index` (int64 [n]) counts from 0, in its order.
  /// Throws `c10::IndexError` for a row that the table does not have.
  Table rows_at(const at::Tensor& index) const;

 private:
  std::vector<std::string> columns_;
  at::Tensor values_;
};

} // namespace polytask::data
