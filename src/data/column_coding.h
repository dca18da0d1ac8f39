// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/data/table.h>

namespace polytask::detail {

/// The categories that a column has on some rows, and the places of another
/// table's categories among them.
struct ColumnCoding {
  static constexpr int64_t kMissing = -1;
  static constexpr int64_t kUnknown = -2;

  std::string column;
  std::vector<std::string> vocabulary;
  /// Each category is a number.
  bool of_numbers = false;
  /// Missing is a category after the others.
  bool has_missing = false;

  /// Those that the table's rows have, in the order of its vocabulary, or of
  /// the numbers. Throws `c10::ValueError` where there is none.
  static ColumnCoding fit(
      const data::Table& table,
      const std::string& column,
      bool missing_is_category);

  /// The places in the vocabulary: int64 [rows], with what is missing or
  /// unknown. Throws `c10::ValueError` for a column that is not there or is of
  /// the other kind.
  at::Tensor codes(const data::Table& table) const;

  /// Those of inputs, where missing may be one place more.
  at::Tensor places(const data::Table& table) const;
  int64_t size() const {
    return static_cast<int64_t>(vocabulary.size()) + int64_t{has_missing};
  }
};

/// The column's numbers: float64 [rows]. Throws `c10::ValueError`, by name, if
/// it is not there or holds categories; `fitted` says that it was numbers on
/// the train rows.
at::Tensor number_column(
    const data::Table& table, const std::string& column, bool fitted);

} // namespace polytask::detail
