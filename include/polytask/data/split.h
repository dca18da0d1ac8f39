// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>

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

/// Rows in three parts, each an index in ascending order.
struct POLYTASK_API Split {
  at::Tensor train;
  at::Tensor validation;
  at::Tensor test;
};

/// The shares of the rows to validate and to test on; the rest is to train on.
/// A part of share 0 has no rows.
struct POLYTASK_API SplitOptions {
  TORCH_ARG(double, validation) = 0.15;
  TORCH_ARG(double, test) = 0.15;
  TORCH_ARG(uint64_t, seed) = 0;
};

// All functions below throw `c10::ValueError` if a share is negative or leaves
// no row to train on, and where a part that is to have rows would have none.

/// Splits `rows` rows at random into three parts, whose sizes are rounded as
/// those of the other `random_split`. Without validation rows it is the same.
POLYTASK_API Split random_split(int64_t rows, const SplitOptions& options);

/// Splits the rows of each class as the whole: a class' rows in a part are its
/// share of them, rounded up or down. `classes`: int64 [n], such as a table's
/// codes, or the tasks that the rows belong to; each number is a class.
///
/// Throws for another type or shape.
POLYTASK_API Split
stratified_split(const at::Tensor& classes, const SplitOptions& options);

/// The same for the labels of several tasks at once, as near as can be
/// (K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the Stratification of
/// Multi-Label Data", ECML 2011; what a label leaves open goes to the part that
/// has fewest rows for its share). A class is a number of an integer target,
/// but for `Labels::kIgnoreIndex`, and 0 or 1 of a floating-point target that
/// has no others; of any other floating-point target the share of the labels
/// that are not NaN is kept. Each column of a target [n, ...] counts for
/// itself.
///
/// Throws, with the task, if there is none or the numbers of rows differ.
POLYTASK_API Split
stratified_split(const Batch::Targets& targets, const SplitOptions& options);

/// Splits at random such that no group stands in two parts; the parts are as
/// near to their shares of the rows as the groups' sizes let them. `groups`:
/// int64 [n], at least 0.
///
/// Throws for another type, shape or number, and for fewer groups than parts.
POLYTASK_API Split
group_split(const at::Tensor& groups, const SplitOptions& options);

/// The test parts of cross-validation, as `folds`, split as `stratified_split`
/// or `group_split` does. A class with fewer rows than `k` is in some parts
/// only. Throw as these do, and unless `k` is 2 or more.
POLYTASK_API std::vector<at::Tensor> stratified_folds(
    const at::Tensor& classes, int64_t k, uint64_t seed);
POLYTASK_API std::vector<at::Tensor> stratified_folds(
    const Batch::Targets& targets, int64_t k, uint64_t seed);
POLYTASK_API std::vector<at::Tensor> group_folds(
    const at::Tensor& groups, int64_t k, uint64_t seed);

/// Files of rows, as for `read_index`. Where there is none for the rows to
/// train on, they are all others; where there is none for another part, it has
/// no rows.
struct POLYTASK_API SplitFiles {
  TORCH_ARG(std::string, train) = {};
  TORCH_ARG(std::string, validation) = {};
  TORCH_ARG(std::string, test) = {};
};

/// Reads a split of `rows` rows; the parts keep the order of their files.
///
/// Throws as `read_index`, for a row out of range (`c10::IndexError`), and for
/// one that comes twice, within a part or in two.
POLYTASK_API Split read_split(const SplitFiles& files, int64_t rows);

} // namespace polytask::data
