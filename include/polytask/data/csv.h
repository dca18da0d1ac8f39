// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <istream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/data/renames.h>
#include <polytask/data/table.h>

namespace polytask::data {

struct POLYTASK_API CsvOptions {
  /// What stands between two cells; '\t' for tabs.
  TORCH_ARG(char, delimiter) = ',';
  /// What stands before a number's fraction; ',' in much of Europe, where the
  /// delimiter is then ';'.
  TORCH_ARG(char, decimal) = '.';
  /// The first row names the columns; otherwise they are c0, c1, and so on.
  TORCH_ARG(bool, header) = true;
  /// The columns to read, in the file's order; all if none is named. The others
  /// may hold any text.
  TORCH_ARG(std::vector<std::string>, columns) = {};
  /// Columns to leave out: names, dates, and other text.
  TORCH_ARG(std::vector<std::string>, without) = {};
  /// Columns to read as categories: their cells are texts, numbers included.
  TORCH_ARG(std::vector<std::string>, categories) = {};
  /// Read every column that has a cell of text as categories. The file is read
  /// again where such a cell comes after others that were numbers.
  TORCH_ARG(bool, infer_categories) = false;
  /// Other names for columns, as pairs of the file's and the table's. All other
  /// options, and the messages, name columns as the file does.
  TORCH_ARG(Renames, rename) = {};
  /// The cells that stand for a missing value; case makes no difference.
  TORCH_ARG(std::vector<std::string>, missing) = {
    "",
    "?",
    "NaN",
    "-NaN",
    "NA",
    "N/A",
    "#N/A",
    "<NA>",
    "null",
    "None"
  };

 public:
  /// The same for columns of categories; where not set, those of `missing`.
  /// With `missing_categories({""})`, "?" is a category like any other.
  CsvOptions& missing_categories(std::vector<std::string> markers) {
    missing_categories_ = std::move(markers);
    return *this;
  }
  const std::vector<std::string>& missing_categories() const {
    return missing_categories_ ? *missing_categories_ : missing();
  }

 private:
  std::optional<std::vector<std::string>> missing_categories_;
};

/// Reads a file of comma-separated numbers and categories (RFC 4180: cells may
/// be quoted, and then hold delimiters, line ends and doubled quotes). Numbers
/// are written as in C whatever the locale, with `inf` among them. Lines end
/// with "\n", "\r\n" or "\r"; blank lines are skipped, and so are blanks around
/// a cell. Memory peaks at little more than the table's own, and with
/// `infer_categories` also holds the text of a stream that cannot go back.
///
/// Throws `c10::ValueError` that names the file, and for a bad row the line
/// (counted from 1) and the column: if the file cannot be read, is empty or
/// has no rows; if a row has too many or too few cells; if a cell of a column
/// to be read is neither a number nor missing (the message names all such
/// columns of the row, to be left out or read as categories); if two columns
/// share a name or the options name one that is not there; if the header must
/// be a row, as it is made of unquoted numbers with a fraction or twice the
/// same.
POLYTASK_API Table read_csv(const std::string& path, CsvOptions options = {});

/// The same from a stream; `name` stands for the file in messages.
POLYTASK_API Table parse_csv(
    std::istream& stream, const std::string& name, CsvOptions options = {});

} // namespace polytask::data
