// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/split.h>

#include <ATen/ops/ones.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "rows.h"
#include "split_shares.h"
#include "text_scanner.h"

namespace polytask::data {

namespace {

// Part of a permutation as an index in ascending order.
at::Tensor sorted_part(const at::Tensor& order, int64_t first, int64_t count) {
  return std::get<0>(at::sort(order.narrow(0, first, count)));
}

// A half is rounded up.
int64_t rows_of_share(int64_t rows, double share) {
  return static_cast<int64_t>(std::llround(static_cast<double>(rows) * share));
}

} // namespace

at::Tensor read_index(const std::string& path) {
  std::ifstream file = detail::open_text("read_index: ", path);
  detail::TextScanner scanner(file, "read_index: " + path, {.comment = {}});
  std::vector<int64_t> index;
  while (scanner.next_line()) {
    const std::string text = scanner.cell("").text;
    int64_t row = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, row);
    if (error != std::errc() || stop != end || row < 0) {
      scanner.fail(
          "expected a row number (0, 1, 2, ...), but found " +
          detail::shown(text) + ".");
    }
    index.push_back(row);
  }
  if (index.empty()) {
    scanner.fail("it holds no row number.", 0);
  }
  return at::tensor(index, at::kLong);
}

std::pair<at::Tensor, at::Tensor> random_split(
    int64_t rows, double test_fraction, uint64_t seed) {
  TORCH_CHECK_VALUE(
      test_fraction > 0 && test_fraction < 1,
      "random_split: expected a test fraction between 0 and 1, but got ",
      test_fraction,
      ".");
  const int64_t test = rows_of_share(rows, test_fraction);
  TORCH_CHECK_VALUE(
      test > 0 && test < rows,
      "random_split: the fraction ",
      test_fraction,
      " of ",
      rows,
      " rows leaves no row to ",
      test > 0 ? "train" : "test",
      " on.");
  const at::Tensor order = detail::shuffled_rows(rows, seed);
  return {sorted_part(order, test, rows - test), sorted_part(order, 0, test)};
}

Split random_split(int64_t rows, const SplitOptions& options) {
  detail::shares_of("random_split", options);
  const int64_t test = rows_of_share(rows, options.test());
  const int64_t validation = rows_of_share(rows, options.validation());
  const int64_t held_out = test + validation;
  const at::Tensor order =
      detail::shuffled_rows(std::max(rows, int64_t{0}), options.seed());
  const bool fits = rows >= held_out;
  const Split split{
      sorted_part(order, fits ? held_out : 0, fits ? rows - held_out : 0),
      sorted_part(order, fits ? test : 0, fits ? validation : 0),
      sorted_part(order, 0, fits ? test : 0)};
  detail::check_parts("random_split", split, options);
  return split;
}

at::Tensor complement(const at::Tensor& index, int64_t rows) {
  TORCH_CHECK_VALUE(
      rows >= 0, "complement: expected rows >= 0, but got ", rows, ".");
  detail::check_row_index("complement", index, rows);
  at::Tensor left = at::ones({rows}, at::kBool);
  left.index_fill_(0, index.to(at::kCPU), 0);
  return left.nonzero().squeeze(1);
}

std::vector<at::Tensor> folds(int64_t rows, int64_t k, uint64_t seed) {
  TORCH_CHECK_VALUE(
      k >= 2 && k <= rows,
      "folds: expected between 2 folds and one for each of the ",
      rows,
      " rows, but got ",
      k,
      ".");
  const at::Tensor order = detail::shuffled_rows(rows, seed);
  std::vector<at::Tensor> parts;
  int64_t first = 0;
  for (int64_t fold = 0; fold < k; ++fold) {
    const int64_t count = rows / k + (fold < rows % k ? 1 : 0);
    parts.push_back(sorted_part(order, first, count));
    first += count;
  }
  return parts;
}

} // namespace polytask::data
