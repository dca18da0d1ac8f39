// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <istream>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/data/renames.h>
#include <polytask/data/table.h>

namespace polytask::data {

struct POLYTASK_API ArffOptions {
  /// The attributes to read, in the file's order; all if none is named.
  TORCH_ARG(std::vector<std::string>, columns) = {};
  /// Attributes to leave out: a string or a date, which no table holds.
  TORCH_ARG(std::vector<std::string>, without) = {};
  /// Read nominal attributes as categories, with the classes that they declare
  /// for a vocabulary.
  TORCH_ARG(bool, nominal_categories) = false;
  /// Other names for attributes, as pairs of the file's and the table's. The
  /// other options name attributes as the file does.
  TORCH_ARG(Renames, rename) = {};
};

/// Reads a file in Weka's attribute-relation format, dense or with sparse rows
/// such as `{0 1.5, 3 2}`, whose other values are 0. Values are separated by
/// commas. A nominal value becomes its place, from 0, in the list that the
/// attribute declares, as a number or a category; `?` is missing. What follows
/// a `%` is a comment. Lines end with "\n", "\r\n" or "\r".
///
/// Throws `c10::ValueError` that names the file and the line (counted from 1):
/// if the file cannot be read, declares no attribute or has no rows; if an
/// attribute to be read is a string or a date, or any is relational; if a row
/// has too many or too few values, or one that its attribute does not allow;
/// if the options name an attribute that is not there.
POLYTASK_API Table read_arff(const std::string& path, ArffOptions options = {});

/// The same from a stream; `name` stands for the file in messages.
POLYTASK_API Table parse_arff(
    std::istream& stream, const std::string& name, ArffOptions options = {});

} // namespace polytask::data
