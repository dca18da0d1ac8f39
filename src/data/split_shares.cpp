// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "split_shares.h"

#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <cmath>

namespace polytask::detail {

Shares shares_of(const std::string& who, const data::SplitOptions& options) {
  const double held_out = options.validation() + options.test();
  TORCH_CHECK_VALUE(
      options.validation() >= 0 && options.test() >= 0 && held_out < 1,
      who,
      ": expected shares to validate and to test on that are at least 0 and "
      "together below 1, but got ",
      options.validation(),
      " and ",
      options.test(),
      ".");
  constexpr int64_t kWhole = 1'000'000'000;
  const auto share = [](double part) {
    return static_cast<int64_t>(
        std::llround(part * static_cast<double>(kWhole)));
  };
  const int64_t validation = share(options.validation());
  const int64_t test = share(options.test());
  return {{kWhole - validation - test, validation, test}, kWhole};
}

Shares shares_of_folds(const std::string& who, int64_t k, int64_t rows) {
  TORCH_CHECK_VALUE(
      k >= 2 && k <= rows,
      who,
      ": expected between 2 folds and one for each of the ",
      rows,
      " rows, but got ",
      k,
      ".");
  return {std::vector<int64_t>(static_cast<size_t>(k), 1), k};
}

std::vector<at::Tensor> rows_of_parts(
    const std::vector<size_t>& part_of_row, size_t parts) {
  std::vector<std::vector<int64_t>> rows(parts);
  for (size_t row = 0; row < part_of_row.size(); ++row) {
    rows[part_of_row[row]].push_back(static_cast<int64_t>(row));
  }
  std::vector<at::Tensor> indices;
  indices.reserve(parts);
  for (const auto& part : rows) {
    indices.push_back(at::tensor(part, at::kLong));
  }
  return indices;
}

void check_parts(
    const std::string& who,
    const data::Split& split,
    const data::SplitOptions& options) {
  const auto check =
      [&](const char* use, const at::Tensor& part, double share) {
        TORCH_CHECK_VALUE(
            share == 0 || part.size(0) > 0,
            who,
            ": shares of ",
            options.validation(),
            " and ",
            options.test(),
            " leave no row to ",
            use,
            " on.");
      };
  check("train", split.train, 1);
  check("validate", split.validation, options.validation());
  check("test", split.test, options.test());
}

data::Split split_of(
    const std::string& who,
    const std::vector<at::Tensor>& parts,
    const data::SplitOptions& options) {
  const data::Split split{parts[0], parts[1], parts[2]};
  check_parts(who, split, options);
  return split;
}

void check_numbers_of_rows(
    const std::string& who, const char* what, const at::Tensor& numbers) {
  TORCH_CHECK_VALUE(
      numbers.defined() && numbers.dim() == 1 &&
          numbers.scalar_type() == at::kLong,
      who,
      ": expected ",
      what,
      " of type Long and shape [n], but got ",
      numbers.defined() ? c10::str(numbers.scalar_type(), " ", numbers.sizes())
                        : "an undefined tensor",
      ".");
}

} // namespace polytask::detail
