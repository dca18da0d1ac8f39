// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <istream>
#include <string>

#include <polytask/core/api.h>
#include <polytask/data/table.h>

namespace polytask::data {

/// Reads a file in Weka's attribute-relation format, dense or with sparse rows
/// such as `{0 1.5, 3 2}`, whose other values are 0. Values are separated by
/// commas. A nominal value becomes its place, from 0, in the list that the
/// attribute declares; `?` is missing. What follows a `%` is a comment.
///
/// Throws `c10::ValueError` that names the file and the line (counted from 1):
/// if the file cannot be read, declares no attribute or has no rows; if an
/// attribute is a string, a date or relational; if a row has too many or too
/// few values, or one that its attribute does not allow.
POLYTASK_API Table read_arff(const std::string& path);

/// The same from a stream; `name` stands for the file in messages.
POLYTASK_API Table parse_arff(std::istream& stream, const std::string& name);

} // namespace polytask::data
