// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/data/preparation.h>
#include <polytask/data/standardizer.h>

#include "column_coding.h"

namespace polytask::detail {

/// How a task's targets are made of its column.
struct TargetCoding {
  using Kind = data::PreparationTarget::Kind;

  std::string column;
  Kind kind = Kind::kNumber;
  /// Of numbers.
  double scale = 1;
  double shift = 0;
  /// Of classes.
  ColumnCoding classes;
  /// The place of the class that counts as 1.
  int64_t positive = 0;

  static TargetCoding fit(
      const data::Table& train, const data::PreparationTarget& target);

  at::Tensor labels(const data::Table& rows, bool ignore_unknown) const;
  /// Of numbers.
  data::Standardizer scaler() const;
};

/// Throws `c10::ValueError`, with the column, unless there is a value in it,
/// and none is infinite.
void check_numbers(const at::Tensor& values, const std::string& column);

} // namespace polytask::detail

namespace polytask::data {

struct Preparation::State {
  std::vector<std::string> numbers;
  /// Of as many columns; it has none where there are no numbers.
  Standardizer standardizer;
  /// The places in `numbers` of those with an indicator.
  std::vector<int64_t> indicated;
  double clip = 0;
  std::vector<detail::ColumnCoding> one_hot;
  std::vector<detail::ColumnCoding> ids;
  std::vector<detail::TargetCoding> targets;
  bool ignore_unknown_classes = false;

  /// Throws `c10::ValueError` for an unknown task.
  const detail::TargetCoding& target(const std::string& task) const;
};

} // namespace polytask::data
