// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>
#include <polytask/core/random_state.h>

#include <functional>
#include <vector>

#include "../kept_gradients.h"
#include "../micro_batches.h"
#include "../saved_buffers.h"
#include "task_gradients.h"

namespace polytask::detail {

/// The gradients of several batches as those of one, with the memory of one and
/// of the sum of their Jacobians.
///
/// Where a method reads gradients, rows are added up over the batches before
/// anybody looks at them. Where it reads losses alone, or single tasks' own
/// gradients wait for its weights, several batches are gone through twice: with
/// the same random numbers, and counted once by running statistics.
///
/// Of several processes, each holds the columns of the summed Jacobian that are
/// its own, and publishes that part of what is shared: `.grad` is then to be
/// summed over all of them.
class AccumulatedGradients : public TaskGradients {
 public:
  using Choose =
      std::function<TaskGradients&(const HeadSteps& steps, bool share_input)>;

  /// `needs_rows`: the method will ask for gradients. `weighs_heads`: there
  /// will be weights for what single tasks have.
  AccumulatedGradients(
      StepContext& context,
      const MicroBatches& all,
      Choose choose,
      bool needs_rows,
      bool weighs_heads);

  const RouteChoice& choice() const override {
    return choice_;
  }
  /// Both are those of the whole.
  torch::Tensor forward(const HeadSteps& steps, bool share_input) override;
  void backward_heads() override {}
  math::Matrix gramian() override;
  torch::Tensor jacobian() override;
  /// From now on `jacobian` gives the columns that are this process's, and
  /// `publish_direction` takes that part: which of them they are.
  balancing::Extras take_own_columns();
  void publish_weighted(const TaskWeights& weights) override;
  void publish_direction(const torch::Tensor& direction) override;
  void publish_strays() override {}
  void scale_heads(const TaskWeights& weights) override;
  std::vector<int64_t> block_sizes() const override;
  std::vector<bool> used() const override {
    return used_;
  }

 private:
  void add_losses(const MicroBatch& batch, const torch::Tensor& losses);
  void look_at_losses();
  TaskGradients& forward(const MicroBatch& batch);
  RouteChoice add_rows(const MicroBatch& batch);
  void add_all_rows();
  void publish(const torch::Tensor& part);
  template <typename Local>
  void sum_after(const Local& local);
  int64_t columns() const;
  int64_t first_own_column() const;
  int64_t own_columns() const;
  RouteChoice publish_own(
      TaskGradients& own, const MicroBatch& batch, const TaskWeights& weights);
  void take_second_pass(const TaskWeights& weights);

  StepContext& context_;
  const MicroBatches& all_;
  Choose choose_;
  bool needs_rows_;
  bool weighs_heads_;
  const MicroBatch* only_ = nullptr; // where no more than one has a label
  TaskGradients* of_only_ = nullptr; // after its forward
  bool needs_second_pass_;
  bool by_columns_ = false;
  RouteChoice choice_;
  torch::Tensor losses_; // [n]
  torch::Tensor rows_;   // [n, N], or this process's columns
  std::vector<bool> used_;
  TaskWeights head_weights_;
  RandomState random_;
  KeptGradients kept_;
  SavedBuffers buffers_;
};

} // namespace polytask::detail
