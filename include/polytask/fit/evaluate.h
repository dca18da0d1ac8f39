// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>
#include <polytask/core/communicator.h>
#include <polytask/core/inputs.h>
#include <polytask/data/dataset.h>
#include <polytask/data/loader.h>
#include <polytask/fit/evaluation.h>
#include <polytask/model/multi_task_model.h>

namespace polytask::fit {

/// Rows to judge a model by: a data set, several with their own tasks, the data
/// set of a loader (in its order, all of it), one batch, or a callable that
/// returns the next batch, and nothing once at the end.
class POLYTASK_API EvaluationData {
 public:
  using Next = std::function<std::optional<Batch>()>;
  using Visit = std::function<void(const Batch&)>;

  EvaluationData(data::Dataset dataset); // NOLINT: meant to be implicit
  EvaluationData(std::vector<data::Dataset> datasets); // NOLINT
  EvaluationData(const data::Loader& loader);          // NOLINT
  EvaluationData(Batch batch);                         // NOLINT
  EvaluationData(Next next);                           // NOLINT

  /// Whether all rows are there at once and stay as they are; a callable may
  /// use a batch's memory again.
  bool has_all_rows() const {
    return !next_;
  }
  /// The tasks that have targets; none are known of a callable's.
  std::vector<std::string> tasks() const;
  /// The part of one of several processes that all have the same rows: some
  /// that follow each other of each data set, which may be none, and of a
  /// callable's batches every `size`-th. A single batch is rank 0's.
  EvaluationData shard(int64_t rank, int64_t size) const;
  /// Calls `visit` with all rows in turn, at most `batch_size` at once, without
  /// a copy of them; a callable's batches come as they are.
  void for_each(int64_t batch_size, const Visit& visit) const;
  /// At most so many rows of each data set; none of a callable's.
  std::vector<Batch> sample(int64_t rows) const;
  /// How many labels there are of each task, under LibTorch's ignore index;
  /// none are known of a callable's.
  std::vector<std::pair<std::string, int64_t>> labels() const;

 private:
  std::vector<data::Dataset> datasets_;
  std::optional<Batch> batch_;
  Next next_;
};

struct POLYTASK_API EvaluateOptions {
  /// Rows that go through the model at once.
  TORCH_ARG(int64_t, batch_size) = 1024;
  /// Several processes, each with rows of its own, perhaps none, that all get
  /// the evaluation of all rows together; null for one.
  TORCH_ARG(std::shared_ptr<Communicator>, communicator) = nullptr;
};

/// Each task's loss and metrics on all rows: the mean loss over the labels that
/// are present, and metrics of all rows together, which do not depend on
/// `batch_size` but for rounding. (A loss that is not a mean over labels is
/// weighed by the rows of each batch.) The model is in eval mode meanwhile, and
/// then every module in the mode in which it was; nothing of it changes, and no
/// graph is made. Rows on another device are moved to the model's. An
/// accelerator is waited for once, and for each batch whose rows have weights.
///
/// Throws `c10::ValueError`, by name, for a task that the model lacks, for
/// outputs or labels that are not its loss' or its metric's, and if there is no
/// row.
///
/// ```cpp
/// const auto now = polytask::fit::evaluate(model, test);
/// std::cout << now << now["income/auc"];
/// ```
POLYTASK_API Evaluation evaluate(
    MultiTaskModel model,
    const EvaluationData& data,
    EvaluateOptions options = {});

/// The output of every task for all rows, [n, ...], on the model's device; in
/// eval mode, as `evaluate`.
POLYTASK_API torch::OrderedDict<std::string, torch::Tensor> predict(
    MultiTaskModel model, const Inputs& inputs, EvaluateOptions options = {});

} // namespace polytask::fit
