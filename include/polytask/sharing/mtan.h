// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <polytask/core/network.h>
#include <polytask/sharing/inputs_sharing.h>

namespace polytask {

namespace detail {
class StageColumns;
} // namespace detail

/// What the features of an MTAN are, and so its layers.
enum class MTANFeatures {
  /// [B, C, H, W]: convolutions of 1 x 1 and 3 x 3.
  kMaps,
  /// [B, C]: linear layers.
  kDense,
};

/// A stage of the trunk of an MTAN.
struct POLYTASK_API MTANStage {
  MTANStage(
      Network first_part,
      Network second_part,
      int64_t first_part_channels,
      int64_t second_part_channels)
      : first(std::move(first_part)),
        second(std::move(second_part)),
        first_channels(first_part_channels),
        channels(second_part_channels) {}

  /// Attention reads what this makes: [B, first_channels, ...].
  Network first;
  /// It weighs what this makes of that: [B, channels, ...], of the same size
  /// in space.
  Network second;
  int64_t first_channels;
  int64_t channels;
};

struct POLYTASK_API MTANOptions {
  TORCH_ARG(MTANFeatures, features) = MTANFeatures::kMaps;
  /// Channels between the two layers of an attention; 0: as many as the stage
  /// has. LibMTL divides those of a ResNet with bottlenecks by 4.
  TORCH_ARG(int64_t, attention_channels) = 0;
};

/// Multi-task attention network: one trunk of stages, and for each task and
/// stage a mask in (0, 1) that says how much of the stage it takes. In stage i,
/// with p and u what the first and second part make,
///
///   mask = σ(BN(W2 ReLU(BN(W1 [p, z] + b1)) + b2)),  z := mask ⊙ u,
///
/// where z is the task's feature of the stage before (none in the first). In
/// between, a block that all tasks have in common turns z into as many
/// channels as the next stage has, and max-pools it to its size in space where
/// that is another. Of maps: W are 1 x 1 convolutions, the block is
/// ReLU(BN(3x3(ReLU(BN(3x3 z)))) + BN(1x1 z)), without biases. Dense: W are
/// linear, and the block is ReLU(BN(W z + b)).
///
/// The trunk and the blocks are shared; the attention of a task is its own
/// (`task_parameters`). The running statistics of the blocks are moved once for
/// each task. In training mode dense features need two rows at least.
///
/// Source: S. Liu, E. Johns, A. J. Davison, "End-to-End Multi-Task Learning
/// with Attention", CVPR 2019, section 3.2, with the blocks of the authors' and
/// LibMTL's code for ResNets.
///
/// ```cpp
/// std::vector<polytask::MTANStage> stages{{conv1, conv2, 32, 32}, ...};
/// polytask::MultiTaskModel model{polytask::MTAN(stages)};
/// ```
class POLYTASK_API MTANImpl : public InputsSharing {
 public:
  /// Throws if there is no stage, or a number of channels is not positive.
  explicit MTANImpl(std::vector<MTANStage> stages, MTANOptions options = {});

  /// Throw, and name the stage, where a part makes other channels than its
  /// stage says, or the two of different size.
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;

  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const std::vector<MTANStage>& stages() const {
    return stages_;
  }
  const MTANOptions& options() const {
    return options_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  /// What the first and the second part of a stage make.
  struct Parts {
    torch::Tensor first;
    torch::Tensor second;
  };

  std::vector<torch::Tensor> features_of_all(
      const Inputs& inputs, int64_t tasks) const;
  std::vector<Parts> run_trunk(const Inputs& inputs) const;
  torch::Tensor attended(const std::vector<Parts>& trunk, size_t task) const;
  void check_part(
      size_t stage,
      const char* part,
      const torch::Tensor& output,
      int64_t channels) const;

  std::vector<MTANStage> stages_;
  MTANOptions options_;
  /// The i-th stands between the stages i and i + 1.
  std::vector<Network> blocks_;
  std::shared_ptr<torch::nn::Module> trunk_;
  std::shared_ptr<torch::nn::Module> block_list_;
  std::shared_ptr<detail::StageColumns> attention_;
};

TORCH_MODULE(MTAN);

} // namespace polytask
