// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/sharing/inputs_sharing.h>
#include <polytask/sharing/stage_factories.h>

namespace polytask {

namespace detail {
class StageColumns;
class TaskMatrices;
} // namespace detail

/// What the units of a CrossStitch start with.
enum class CrossStitchInit {
  /// `initial_same` of the own features, the rest of 1 in equal parts of those
  /// of the others.
  kNearIdentity,
  /// 1 everywhere, as LibMTL does: features are summed over the tasks.
  kOnes,
};

struct POLYTASK_API CrossStitchOptions {
  TORCH_ARG(CrossStitchInit, init) = CrossStitchInit::kNearIdentity;
  /// What a task takes of its own features at the start, in [0, 1].
  TORCH_ARG(double, initial_same) = 0.9;
  /// For each stage that a unit stands after, the number of its channels (the
  /// features' second dimension): a unit for each, which all places in space
  /// have in common. Without, one unit for all channels of a stage.
  TORCH_ARG(std::vector<int64_t>, per_channel);
  /// Whether a unit stands after the last stage, too (LibMTL: not).
  TORCH_ARG(bool, stitch_after_last) = true;
};

/// Cross-stitch networks: each task has a column of stages of its own, and
/// after each stage a unit mixes the features of all tasks,
/// z_t := Σ_u a[t][u] z_u, where the T x T numbers a are learned.
///
/// The features of one task need the columns of all up to the last unit, so a
/// step of one task alone costs almost what one of all does, and moves the
/// running statistics of all columns. All parameters count as shared.
///
/// Each task that is added gets a column, and all units are new parameters of
/// one more row and column: a unit that still holds the start for T tasks gets
/// the start for T + 1; one that was trained keeps its numbers, the tasks that
/// were there take nothing of the new one (0), so that what they gave stays the
/// same, and the new one takes of all as at the start. With one task a unit is
/// 1. A training that there is has to be made anew, as for any added task.
///
/// The paper, with plain SGD, gives units a learning rate of 100 to 1000 times
/// that of the rest (`stitches`); with Adam begin with the same. It begins with
/// columns that were trained alone (`stage`).
///
/// Source: I. Misra, A. Shrivastava, A. Gupta, M. Hebert, "Cross-stitch
/// Networks for Multi-task Learning", CVPR 2016, equation 1.
///
/// ```cpp
/// polytask::StageFactories stages{[] { return torch::nn::Linear(21, 64); }};
/// polytask::MultiTaskModel model{polytask::CrossStitch(stages)};
/// ```
class POLYTASK_API CrossStitchImpl : public InputsSharing {
 public:
  /// `stages`: at least one. Throws on an option out of its range; a task can
  /// only be added while all units together have at most 2^28 numbers.
  explicit CrossStitchImpl(
      StageFactories stages, CrossStitchOptions options = {});

  /// Throw, and name stage and tasks, where the columns give different shapes
  /// before a unit, or another number of channels than the options say.
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  std::vector<Inputs> features_for_some(
      const Inputs& inputs, const std::vector<int64_t>& tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;

  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  /// The units as they are, means over the channels: rows take of columns.
  std::vector<MixingWeights> mixing_weights() const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  /// The parameters of the units, for a learning rate of their own: [T, T], or
  /// [C, T, T] with a unit for each channel. Others are in their place once a
  /// task is added.
  std::vector<torch::Tensor> stitches() const;
  /// A stage of a task's own.
  const Network& stage(int64_t task, int64_t stage) const;
  const CrossStitchOptions& options() const {
    return options_;
  }
  /// As the engine sees them.
  const detail::StageColumns& columns() const {
    return *columns_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  std::vector<Inputs> states(
      const Inputs& inputs, const std::vector<int64_t>& wanted);
  torch::Tensor mixed(
      size_t unit,
      const std::vector<torch::Tensor>& outputs,
      const std::optional<size_t>& row) const;

  CrossStitchOptions options_;
  std::shared_ptr<detail::StageColumns> columns_;
  std::shared_ptr<detail::TaskMatrices> stitches_;
};

TORCH_MODULE(CrossStitch);

} // namespace polytask
