// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/table.h>

#include <ATen/ops/max.h>
#include <ATen/ops/min.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
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

[[noreturn]] void refuse_as_numbers(const std::string& column) {
  C10_THROW_ERROR(
      ValueError,
      c10::str(
          "Table: column '",
          column,
          "' holds categories, not numbers: name the columns of "
          "number_columns(), take category('",
          column,
          "') for its codes, or turn it into inputs with Preparation's one_hot "
          "or ids."));
}

void check_categories(
    const std::string& name, const Categories& column, int64_t rows) {
  const at::Tensor& codes = column.codes;
  TORCH_CHECK_VALUE(
      codes.defined() && codes.dim() == 1 && codes.size(0) == rows &&
          (codes.scalar_type() == at::kLong || codes.scalar_type() == at::kInt),
      "Table: column '",
      name,
      "': expected codes of type Long or Int and shape [",
      rows,
      "], but got ",
      codes.defined() ? c10::str(codes.scalar_type(), " ", codes.sizes())
                      : "an undefined tensor",
      ".");
  const auto count = static_cast<int64_t>(column.vocabulary.size());
  if (rows > 0) {
    const auto least = at::min(codes).item<int64_t>();
    const auto most = at::max(codes).item<int64_t>();
    TORCH_CHECK_VALUE(
        least >= -1 && most < count,
        "Table: column '",
        name,
        "': expected codes from -1 (missing) to ",
        count - 1,
        ", but found ",
        least < -1 ? least : most,
        ".");
  }
  std::unordered_set<std::string_view> seen;
  for (const auto& category : column.vocabulary) {
    TORCH_CHECK_VALUE(
        seen.insert(category).second,
        "Table: column '",
        name,
        "': its vocabulary holds '",
        category,
        "' twice.");
  }
}

} // namespace

Table::Table(std::vector<std::string> columns, const at::Tensor& values)
    : Table(std::move(columns), values, NamedCategories()) {}

Table::Table(
    std::vector<std::string> columns,
    const at::Tensor& values,
    NamedCategories categories)
    : columns_(std::move(columns)) {
  TORCH_CHECK_VALUE(
      values.defined() && values.dim() == 2,
      "Table: expected values of shape [rows, columns], but got ",
      values.defined() ? c10::str(values.sizes()) : "an undefined tensor",
      ".");
  TORCH_CHECK_VALUE(
      values.size(1) + static_cast<int64_t>(categories.size()) ==
          static_cast<int64_t>(columns_.size()),
      "Table: expected a name for each of the ",
      values.size(1) + static_cast<int64_t>(categories.size()),
      " columns, but got ",
      columns_.size(),
      ".");
  std::unordered_map<std::string, size_t> seen;
  for (const auto& name : columns_) {
    TORCH_CHECK_VALUE(
        seen.emplace(name, seen.size()).second,
        "Table: column '",
        name,
        "' comes more than once.");
  }
  places_.assign(columns_.size(), Place{/*coded=*/false, 0});
  values_ = values.detach().to(at::kCPU, at::kDouble);
  for (auto& [name, column] : categories) {
    const auto found = seen.find(name);
    TORCH_CHECK_VALUE(
        found != seen.end() && !places_[found->second].coded,
        "Table: expected categories of each column once, but those of '",
        name,
        found == seen.end() ? "' have no name." : "' come twice.");
    places_[found->second] = {true, static_cast<int64_t>(coded_.size())};
    check_categories(name, column, rows());
    coded_.push_back(
        {column.codes.detach().to(at::kCPU, at::kInt).contiguous(),
         std::make_shared<const std::vector<std::string>>(
             std::move(column.vocabulary))});
  }
  int64_t numbers = 0;
  for (auto& place : places_) {
    if (!place.coded) {
      place.index = numbers++;
    }
  }
}

std::vector<std::string> Table::columns_of(bool coded) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (places_[i].coded == coded) {
      names.push_back(columns_[i]);
    }
  }
  return names;
}

std::vector<std::string> Table::number_columns() const {
  return columns_of(/*coded=*/false);
}

std::vector<std::string> Table::category_columns() const {
  return columns_of(/*coded=*/true);
}

const Table::Place& Table::place(const std::string& name) const {
  return places_[static_cast<size_t>(position(name))];
}

bool Table::has_categories(const std::string& name) const {
  return place(name).coded;
}

Categories Table::category(const std::string& name) const {
  const Place& found = place(name);
  TORCH_CHECK_VALUE(
      found.coded,
      "Table: column '",
      name,
      "' holds numbers, not categories: take its values({'",
      name,
      "'}), or read it as text with CsvOptions().categories({'",
      name,
      "'}).");
  const Coded& column = coded_[static_cast<size_t>(found.index)];
  return {column.codes.to(at::kLong), *column.vocabulary};
}

const at::Tensor& Table::values() const {
  if (!coded_.empty()) {
    refuse_as_numbers(category_columns().front());
  }
  return values_;
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
    const Place& found = place(name);
    if (found.coded) {
      refuse_as_numbers(name);
    }
    positions.push_back(found.index);
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
  const at::Tensor here = index.to(at::kCPU);
  Table taken = *this;
  taken.values_ = values_.index_select(0, here);
  for (auto& column : taken.coded_) {
    column.codes = column.codes.index_select(0, here);
  }
  return taken;
}

} // namespace polytask::data
