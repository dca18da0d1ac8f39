// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::data {

/// A column that is a task's target, and the task's name.
struct POLYTASK_API PreparationTarget {
  enum class Kind { kNumber, kClass, kBinary };

  std::string column;
  Kind kind;
  /// The class that counts as 1, for `kBinary`.
  std::string positive;
};

/// What becomes of which columns. A column of numbers may be taken for one of
/// categories, each number being one, which is named as it is written: "3",
/// "0.5".
struct POLYTASK_API PreparationOptions {
  /// Columns of numbers, to be standardised; a missing value becomes the mean.
  TORCH_ARG(std::vector<std::string>, numbers) = {};
  /// For each of `numbers` with a missing value on the train rows a column more
  /// that is 1 where the value is missing and 0 elsewhere.
  TORCH_ARG(bool, indicators) = false;
  /// Each of `numbers` is held within so many standard deviations of the train
  /// rows from their mean, against wrong readings; above 0, 0 for no bound.
  TORCH_ARG(double, clip) = 0;
  /// Columns of categories, each to become a column of 0 and 1 for every
  /// category of the train rows.
  TORCH_ARG(std::vector<std::string>, one_hot) = {};
  /// Columns of categories, to be numbered for an embedding: 0 for what is
  /// unknown or missing, then the categories of the train rows from 1. An
  /// embedding learns nothing of 0 where no train row has it: give it
  /// `padding_idx(0)`, so that it stands for nothing.
  TORCH_ARG(std::vector<std::string>, ids) = {};
  /// Missing is one more category, after the others, of the columns of
  /// categories in which one is missing on the train rows.
  TORCH_ARG(bool, missing_is_category) = false;
  /// A class that no train row has counts as a missing label; otherwise it is
  /// an error.
  TORCH_ARG(bool, ignore_unknown_classes) = false;

 public:
  /// A task whose targets are the column's numbers, to be standardised: float
  /// [n, 1], NaN where missing.
  PreparationOptions& target(std::string column) {
    return add({std::move(column), PreparationTarget::Kind::kNumber, ""});
  }
  /// A task whose targets number the column's classes from 0: int64 [n],
  /// `Labels::kIgnoreIndex` where missing.
  PreparationOptions& target_class(std::string column) {
    return add({std::move(column), PreparationTarget::Kind::kClass, ""});
  }
  /// A task whose targets are 1 for the class `positive` and 0 for any other:
  /// float [n, 1], NaN where missing.
  PreparationOptions& target_binary(std::string column, std::string positive) {
    return add(
        {std::move(column),
         PreparationTarget::Kind::kBinary,
         std::move(positive)});
  }
  const std::vector<PreparationTarget>& targets() const {
    return targets_;
  }

 private:
  PreparationOptions& add(PreparationTarget target) {
    targets_.push_back(std::move(target));
    return *this;
  }

  std::vector<PreparationTarget> targets_;
};

} // namespace polytask::data
