// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/table.h>

#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "core/check.h"
#include "core/near.h"

#include "rows.h"

namespace polytask::data {

namespace {

// All columns of a small table, else those that a typing error is nearest to.
std::string suggestion(
    const std::string& name, std::vector<std::string> columns) {
  constexpr size_t kAll = 10;
  constexpr size_t kNearest = 3;
  if (columns.size() <= kAll) {
    return "it has " + detail::quoted(columns);
  }
  std::stable_sort(
      columns.begin(), columns.end(), [&](const auto& a, const auto& b) {
        return detail::edit_distance(name, a) < detail::edit_distance(name, b);
      });
  const size_t count = columns.size();
  columns.resize(kNearest);
  return "the nearest of its " + std::to_string(count) + " columns are " +
      detail::quoted(columns);
}

} // namespace

Table::Table(std::vector<std::string> columns, const at::Tensor& values)
    : columns_(std::move(columns)) {
  TORCH_CHECK_VALUE(
      values.defined() && values.dim() == 2,
      "Table: expected values of shape [rows, columns], but got ",
      values.defined() ? c10::str(values.sizes()) : "an undefined tensor",
      ".");
  TORCH_CHECK_VALUE(
      values.size(1) == static_cast<int64_t>(columns_.size()),
      "Table: expected a name for each of the ",
      values.size(1),
      " columns, but got ",
      columns_.size(),
      ".");
  std::unordered_set<std::string> seen;
  for (const auto& name : columns_) {
    TORCH_CHECK_VALUE(
        seen.insert(name).second,
        "Table: column '",
        name,
        "' comes more than once.");
  }
  values_ = values.detach().to(at::kCPU, at::kDouble);
}

int64_t Table::position(const std::string& name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  TORCH_CHECK_VALUE(
      found != columns_.end(),
      "Table: there is no column '",
      name,
      "'; ",
      suggestion(name, columns_),
      ".");
  return found - columns_.begin();
}

at::Tensor Table::values(
    const std::vector<std::string>& names, at::ScalarType dtype) const {
  std::vector<int64_t> positions;
  positions.reserve(names.size());
  for (const auto& name : names) {
    positions.push_back(position(name));
  }
  const at::Tensor picked =
      values_.index_select(1, at::tensor(positions, at::kLong));
  const at::Tensor converted = picked.to(dtype);
  if (at::isIntegralType(dtype, /*includeBool=*/true)) {
    const at::Tensor lost = converted.to(at::kDouble).ne(picked).nonzero();
    if (lost.size(0) > 0) {
      const auto row = lost[0][0].item<int64_t>();
      const auto column = lost[0][1].item<int64_t>();
      TORCH_CHECK_VALUE(
          false,
          "Table: column '",
          names[static_cast<size_t>(column)],
          "': expected values that ",
          dtype,
          " can hold, but row ",
          row,
          " holds ",
          picked[row][column].item<double>(),
          std::isnan(picked[row][column].item<double>())
              ? ", which is missing. A class that is missing is the loss' "
                "ignore_index: as floats, nan_to_num(-100).to(torch::kLong)."
              : ".");
    }
  }
  return converted;
}

std::vector<std::string> Table::columns_except(
    const std::vector<std::string>& names) const {
  std::vector<bool> left_out(columns_.size(), false);
  for (const auto& name : names) {
    left_out[static_cast<size_t>(position(name))] = true;
  }
  std::vector<std::string> others;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!left_out[i]) {
      others.push_back(columns_[i]);
    }
  }
  return others;
}

Table Table::rows_at(const at::Tensor& index) const {
  detail::check_row_index("Table", index, rows());
  return Table(columns_, values_.index_select(0, index.to(at::kCPU)));
}

} // namespace polytask::data
