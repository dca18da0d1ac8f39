// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/csv.h>

#include <c10/util/Exception.h>

#include <sstream>
#include <string>

#include "data/csv_rows.h"
#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

namespace {

// The cells, each with its line, of a text that is read in blocks of this size.
std::string cells_of(const std::string& text, size_t block) {
  std::istringstream stream(text);
  std::string cells;
  try {
    detail::CsvRows rows(stream, "fuzz", ',', block);
    while (rows.next()) {
      for (const auto& cell : rows.cells()) {
        cells += std::to_string(cell.line) + (cell.quoted ? "q" : "u");
        cells += cell.text;
        cells += '\0';
      }
      cells += '\n';
    }
  } catch (const c10::Error& error) {
    cells += error.what_without_backtrace();
  }
  return cells;
}

} // namespace

void read_csv_bytes(std::string_view bytes) {
  const std::string text(bytes);
  expect(
      cells_of(text, 16) == cells_of(text, text.size() + 1),
      "where a block ends makes no difference");
  const auto read = [&](const data::CsvOptions& options) {
    std::istringstream stream(text);
    return data::parse_csv(stream, "fuzz", options);
  };
  try {
    read(data::CsvOptions().delimiter(';').decimal(',').header(false));
  } catch (const c10::Error&) { // as most are
  }
  const auto inferred = read(data::CsvOptions().infer_categories(true));
  expect(read({}).rows() == inferred.rows(), "categories change no rows");
}

} // namespace polytask::fuzz
