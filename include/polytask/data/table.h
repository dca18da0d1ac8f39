// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/data/categories.h>

namespace polytask::data {

/// Named columns as read from a file: numbers, NaN where one is missing, and
/// categories, which are texts.
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

  /// The same with columns of categories: `values` [rows, numbers] has those of
  /// `columns` that `categories` does not name. Codes int64 or int32 [rows] of
  /// any device are kept as int32 on the CPU.
  ///
  /// Throws as well, with the column, if `columns` lacks a name of `categories`
  /// or one comes there twice; for codes of another shape or type, or that have
  /// no place in the vocabulary; for a category that comes twice in it.
  Table(
      std::vector<std::string> columns,
      const at::Tensor& values,
      NamedCategories categories);

  const std::vector<std::string>& columns() const {
    return columns_;
  }
  /// Those of numbers and those of categories, each in the table's order.
  std::vector<std::string> number_columns() const;
  std::vector<std::string> category_columns() const;
  int64_t rows() const {
    return values_.size(0);
  }

  /// All columns as they are kept: float64 [rows, columns], not copied. Throws
  /// `c10::ValueError`, with the first, if some hold categories.
  const at::Tensor& values() const;

  /// The named columns in the order of `names`: [rows, names].
  ///
  /// Throws `c10::ValueError` for an unknown column and for one of categories,
  /// and, if `dtype` is an integer type, for a value that it cannot hold (a
  /// fraction, a missing value).
  at::Tensor values(
      const std::vector<std::string>& names,
      at::ScalarType dtype = at::kFloat) const;

  /// Whether a column holds categories; throws for an unknown one.
  bool has_categories(const std::string& name) const;

  /// The rows' categories in a column; throws `c10::ValueError` for an unknown
  /// one and for one of numbers.
  Categories category(const std::string& name) const;

  /// The place of a column, from 0; throws `c10::ValueError` for an unknown
  /// one.
  int64_t position(const std::string& name) const;

  /// The other columns' names, in the table's order; throws for an unknown one.
  std::vector<std::string> columns_except(
      const std::vector<std::string>& names) const;

  /// The rows that `index` (int64 [n]) counts from 0, in its order, with the
  /// same vocabularies.
  /// Throws `c10::IndexError` for a row that the table does not have.
  Table rows_at(const at::Tensor& index) const;

 private:
  struct Coded {
    at::Tensor codes;
    std::shared_ptr<const std::vector<std::string>> vocabulary;
  };
  // Where a column's rows are: which column of `values_`, or which `coded_`.
  struct Place {
    bool coded;
    int64_t index;
  };

  const Place& place(const std::string& name) const;
  std::vector<std::string> columns_of(bool coded) const;

  std::vector<std::string> columns_;
  std::vector<Place> places_;
  at::Tensor values_;
  std::vector<Coded> coded_;
};

} // namespace polytask::data
