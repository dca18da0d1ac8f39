// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include <polytask/core/inputs.h>
#include <polytask/data/dataset.h>
#include <polytask/data/preparation_options.h>
#include <polytask/data/table.h>

namespace polytask::data {

/// Turns tables into what a model takes, with means, deviations and categories
/// of the rows to train on, and a model's outputs back into the tables' units.
/// To be saved with the model. Copies share what was fitted.
///
/// ```cpp
/// auto preparation = Preparation::fit(train, PreparationOptions()
///     .numbers({"age"}).ids({"city"}).target("rent"));
/// auto dataset = preparation.dataset(train);
/// auto rents = preparation.answers("rent", net(preparation.inputs(rows)));
/// torch::save(preparation, "preparation.pt");
/// ```
class POLYTASK_API Preparation {
 public:
  /// Of no column yet: to be loaded.
  Preparation() = default;

  /// Looks at the rows to train on, and at no others.
  ///
  /// Throws `c10::ValueError`, with the column, if there is no such column or
  /// no row; if the options name no input, a column twice in one place, or a
  /// target as an input or twice; if a column of `numbers` or `target` holds
  /// categories or an infinite value; if a column has no value on these rows,
  /// a target no label; if no row is of the positive class.
  static Preparation fit(const Table& train, const PreparationOptions& options);

  /// The inputs of any rows, without their targets: a float tensor [n, width()]
  /// whose columns are `names()` and, with `ids`, an int64 tensor [n, ids],
  /// which are then called "numbers" and "ids". A category that no train row
  /// has is 0 in all its columns, and has the id 0.
  ///
  /// Throws `c10::ValueError`, with the column, for one that is not there, and
  /// for one of numbers that held categories on the train rows, or the reverse.
  Inputs inputs(const Table& rows) const;

  /// The same with the targets, a task for each, which is named as its column.
  ///
  /// Throws as well where there is no target, and for a class that no train row
  /// has.
  Dataset dataset(const Table& rows) const;

  /// A data set for each category of `column`, in its vocabulary's order, where
  /// each stands for a task of its own. The one target's task is called
  /// `column_category`; several targets' are `column_category_target`,
  /// with "_" for each "." of the category.
  ///
  /// Throws as `dataset` does, and for a row without a category.
  std::vector<Dataset> datasets(
      const Table& rows, const std::string& column) const;

  /// What a model's output for a task says. For numbers: the output, of any
  /// shape, in the target's units. For classes: the probabilities
  /// [n, classes] that the logits [n, classes] give, in the order of
  /// `vocabulary`. For `target_binary`: the probability of the positive class,
  /// in the logits' shape. On the output's device and of its type.
  ///
  /// Throws `c10::ValueError` for an unknown task and for another shape.
  at::Tensor answers(const std::string& task, const at::Tensor& output) const;

  /// The most probable class of each row, for logits as above, [n, classes] or
  /// [n] or [n, 1]. Of two or more other classes, what is not positive is
  /// called "not " and the positive class. Throws for a task of numbers.
  std::vector<std::string> classes(
      const std::string& task, const at::Tensor& output) const;

  /// A target in its units is `scale * target + shift`: the standard deviation,
  /// 0 for a constant, and the mean of the train rows. Throw for any other than
  /// a task of numbers.
  double scale(const std::string& task) const;
  double shift(const std::string& task) const;

  /// The tasks, and the columns of "ids", in the order of the options.
  std::vector<std::string> tasks() const;
  std::vector<std::string> ids() const;
  /// The number of columns of the float tensor; there may be none.
  int64_t width() const;
  /// What these columns are: "age", "age is missing", "sex=Male",
  /// "sex is missing".
  std::vector<std::string> names() const;
  /// How many rows the embedding of each of `ids` needs.
  std::vector<int64_t> id_sizes() const;
  /// The categories of a column, or the classes of a task, that the train rows
  /// have. Throws for any other column.
  const std::vector<std::string>& vocabulary(const std::string& column) const;

  /// All of it as an archive: `torch::save(preparation, path)`, `torch::load`.
  /// `load` throws `c10::ValueError`, and nothing changes, for the archive of
  /// anything else.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

  /// The same as JSON in UTF-8, for programs in any language: docs/interop.md
  /// has one in Python. Each number is the same when it is read back.
  /// `from_json` throws `c10::ValueError` for anything else.
  std::string json() const;
  static Preparation from_json(const std::string& text);

 private:
  struct State;
  friend POLYTASK_API std::ostream& operator<<(
      std::ostream& stream, const Preparation& preparation);

  const State& state(const char* who) const;

  std::shared_ptr<const State> state_;
};

/// What becomes of which columns, a line for each kind.
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const Preparation& preparation);

inline torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Preparation& preparation) {
  preparation.save(archive);
  return archive;
}

inline torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Preparation& preparation) {
  preparation.load(archive);
  return archive;
}

} // namespace polytask::data
