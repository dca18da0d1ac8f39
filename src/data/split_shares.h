// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <polytask/data/split.h>

namespace polytask::detail {

/// What each part is to have of the whole: whole numbers, as all platforms
/// compute the same with them, and their sum.
struct Shares {
  std::vector<int64_t> of_part;
  int64_t sum = 0;

  size_t parts() const {
    return of_part.size();
  }
};

/// Of the rows to train, validate and test on. Throws `c10::ValueError`, in the
/// name of `who`, for shares that cannot be.
Shares shares_of(const std::string& who, const data::SplitOptions& options);
/// Of `k` folds of the rows. Throws unless 2 <= k <= rows.
Shares shares_of_folds(const std::string& who, int64_t k, int64_t rows);

/// The rows of each part in ascending order, from the part of each row.
std::vector<at::Tensor> rows_of_parts(
    const std::vector<size_t>& part_of_row, size_t parts);

/// Throws, in the name of `who`, if a part that is to have rows has none.
void check_parts(
    const std::string& who,
    const data::Split& split,
    const data::SplitOptions& options);
/// The parts of `rows_of_parts` as a split that was checked.
data::Split split_of(
    const std::string& who,
    const std::vector<at::Tensor>& parts,
    const data::SplitOptions& options);

/// Throws, in the name of `who`, unless the tensor is int64 [n].
void check_numbers_of_rows(
    const std::string& who, const char* what, const at::Tensor& numbers);

} // namespace polytask::detail
