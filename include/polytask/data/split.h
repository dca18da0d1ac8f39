// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::data {

// Rows are counted from 0, and an index of rows is int64 [n] on the CPU. What
// is drawn here depends on the arguments alone, not on the platform.

/// Reads an index from a file: a row number on each line, blank lines skipped.
/// Throws `c10::ValueError`, with the line, for anything else, and if the file
/// cannot be read or holds no number.
POLYTASK_API at::Tensor read_index(const std::string& path);

/// Splits `rows` rows at random into those to train on and those to test on,
/// each in ascending order. The test part has `rows * test_fraction` rows,
/// rounded to the nearest number (a half is rounded up).
///
/// Throws `c10::ValueError` if the fraction is not between 0 and 1 or leaves
/// one of the parts empty.
POLYTASK_API std::pair<at::Tensor, at::Tensor> random_split(
    int64_t rows, double test_fraction, uint64_t seed);

/// The rows that are not in the index, in ascending order. A row may come more
/// than once in the index. Throws `c10::IndexError` for a row out of range.
POLYTASK_API at::Tensor complement(const at::Tensor& index, int64_t rows);

/// Splits the rows at random into `k` test parts for cross-validation, each in
/// ascending order, whose sizes differ by one at most; `complement` gives the
/// rows to train on. Throws `c10::ValueError` unless 2 <= k <= rows.
POLYTASK_API std::vector<at::Tensor> folds(
    int64_t rows, int64_t k, uint64_t seed);

} // namespace polytask::data
