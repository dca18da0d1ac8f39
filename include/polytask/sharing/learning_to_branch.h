// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <polytask/sharing/inputs_sharing.h>
#include <polytask/sharing/stage_factories.h>

namespace polytask {

namespace detail {
class StageColumns;
class TaskMatrices;
} // namespace detail

struct POLYTASK_API LearningToBranchOptions {
  LearningToBranchOptions(int64_t epochs) // NOLINT: meant to be implicit
      : epochs_(epochs) {}

  /// How many the training is to have, at least 1: the temperature and the
  /// warm-up go by it.
  TORCH_ARG(int64_t, epochs);
  TORCH_ARG(uint64_t, seed) = 0;
};

/// Learning to branch: each task has a module of its own in every stage, and
/// which module of the stage before feeds it is learned. In stage l, task t
/// takes Σ_j a[l][t][j] z_j, where z_j is what module j of the stage before
/// makes. In a training a[l][t] is a one-hot vector, drawn for each step by the
/// straight-through Gumbel-softmax of the logits α[l][t] with the temperature
/// τ = epochs / 20 / √(epoch + 1), epoch from 0; in eval mode it is that of the
/// largest logit (at a tie the task's own module, else the first), and modules
/// that feed nothing are not run. In the warm-up, while epoch < epochs / 100,
/// all modules are summed in both modes: a = 1. Modules of the first stage take
/// the input.
///
/// What is drawn is a function of the seed and the number of `begin_step` calls
/// alone. These and the epochs, which `end_epoch` counts, are buffers ("steps"
/// and "epochs", int64) that stay on the host, whatever the model is moved to.
/// Trainings call both; a loop of your own has to.
///
/// In a training every task needs all modules but those of the last stage. All
/// parameters count as shared. For a task that is added, the logits are new
/// parameters of one more row and column: equal, 0, where nobody trained them;
/// trained ones stay, with 0 for the new task's. A training that there is has
/// to be made anew, as for any added task.
///
/// Source: P. Guo, C.-Y. Lee, D. Ulbricht, "Learning to Branch for Multi-Task
/// Learning", ICML 2020, section 3; temperature and warm-up as in LibMTL.
///
/// ```cpp
/// polytask::LearningToBranch sharing(stages, /*epochs=*/100);
/// polytask::MultiTaskModel model(sharing);
/// ```
class POLYTASK_API LearningToBranchImpl : public InputsSharing {
 public:
  /// `stages`: at least one. A task can only be added while all logits together
  /// are at most 2^28.
  LearningToBranchImpl(StageFactories stages, LearningToBranchOptions options);

  /// Throw, and name stage and tasks, where modules of a stage but the last
  /// make different shapes.
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;

  /// Of the mode and epoch in which it is asked.
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  void begin_step() override;
  void end_epoch() override;
  bool draws() const override {
    return true;
  }
  /// The softmax of the logits: how likely a row is fed by a column.
  std::vector<MixingWeights> mixing_weights() const override;

  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false)
      override;
  void to(torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Device device, bool non_blocking = false) override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  /// The logits of each stage but the first: [T, T].
  std::vector<torch::Tensor> logits() const;
  /// [stage - 1][task]: the task whose module of the stage before feeds it in
  /// eval mode. This is what was learned: the tree of the branched network.
  std::vector<std::vector<int64_t>> branches() const;
  bool is_warming_up() const;
  double temperature() const;
  /// Ended so far, and begun so far.
  int64_t epochs() const;
  int64_t steps() const;
  /// In place of its own, for every step: [stages - 1, T, T], in (0, 1).
  /// Undefined: its own again. Neither saved nor loaded.
  void set_uniforms(torch::Tensor uniforms);

  /// A stage of a task's own.
  const Network& stage(int64_t task, int64_t stage) const;
  const LearningToBranchOptions& options() const {
    return options_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  using Path = std::vector<std::vector<std::optional<torch::Tensor>>>;

  bool follows_branches() const {
    return !is_training() && !is_warming_up();
  }
  /// [T, T]: what stage i + 1 takes.
  torch::Tensor weights(size_t i) const;
  torch::Tensor gumbels(size_t i) const;
  /// What feeds the last stage, of one task or of all.
  std::vector<Inputs> before_last(
      const Inputs& inputs, const std::optional<size_t>& task) const;
  torch::Tensor along_branches(
      const Inputs& inputs,
      size_t stage,
      size_t task,
      const std::vector<std::vector<int64_t>>& branches,
      Path& made) const;
  std::vector<torch::Tensor> all_features(const Inputs& inputs) const;
  template <typename... To>
  void move_all(To... to);

  LearningToBranchOptions options_;
  std::shared_ptr<detail::StageColumns> columns_;
  std::shared_ptr<detail::TaskMatrices> logits_;
  torch::Tensor steps_;
  torch::Tensor epochs_;
  torch::Tensor uniforms_;
};

TORCH_MODULE(LearningToBranch);

} // namespace polytask
