// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/network.h>
#include <polytask/sharing/inputs_sharing.h>

namespace polytask {

namespace detail {
class StageColumns;
} // namespace detail

/// How far apart the trunks of a SoftSharing are.
enum class SoftSharingDistance {
  /// The sum over all pairs of tasks of the squared Euclidean distance of their
  /// parameters (Duong et al.).
  kL2,
  /// The sum over the trunk's parameters of the trace norm (that of all
  /// singular values) of the T x n matrix whose rows are the tasks' parameters
  /// (Yang and Hospedales).
  kTraceNorm,
};

struct POLYTASK_API SoftSharingOptions {
  /// The factor of the distance, finite and not negative; 0: there is no loss.
  TORCH_ARG(double, weight) = 1e-2;
  TORCH_ARG(SoftSharingDistance, distance) = SoftSharingDistance::kL2;
  /// Whether parameters called "bias" are held together, too.
  TORCH_ARG(bool, biases) = true;
  /// Names in the trunk of the parameters, or of the modules whose parameters,
  /// are held together, such as "0" in a Sequential; all if there is none.
  TORCH_ARG(std::vector<std::string>, only);
  /// Whether the trunks' parameters count as shared; else each is its task's
  /// own (`Sharing::task_parameters`).
  TORCH_ARG(bool, trunks_are_shared) = true;
};

/// Soft parameter sharing: each task has a trunk of its own, made by one
/// factory, and the distance of the trunks' parameters is a loss of the
/// sharing's own.
///
/// In a step of some tasks the trunks of the others stand still: the distance
/// is that of the pairs with at least one that takes part, or the trace norm of
/// all, and only the trunks of those that take part get a gradient. With one
/// task, in eval mode, and with the weight 0 there is no loss.
///
/// The trace norm has no derivative where singular values are 0, as of trunks
/// that start equal. Its gradient is then U Vᵀ of the others, the subgradient
/// of the least norm; singular values below max(T, n) ε times the largest count
/// as 0. It has no second derivative.
///
/// Source: L. Duong, T. Cohn, S. Bird, P. Cook, "Low Resource Dependency
/// Parsing: Cross-lingual Parameter Sharing in a Neural Network Parser", ACL
/// 2015, section 3 (two languages; here all pairs); Y. Yang, T. M. Hospedales,
/// "Trace Norm Regularised Deep Multi-Task Learning", ICLR workshop 2017 (the
/// flattening by the last axis).
///
/// ```cpp
/// polytask::SoftSharing sharing(
///     [] { return torch::nn::Linear(21, 64); },
///     polytask::SoftSharingOptions().weight(0.1));
/// polytask::MultiTaskModel model(sharing);
/// ```
class POLYTASK_API SoftSharingImpl : public InputsSharing {
 public:
  /// `trunk`: called once for each task; any module from input to features,
  /// with the same parameters each time. A task is refused where a trunk's
  /// parameters that are held together have other names or shapes than the
  /// first's, or where there are none of `only`.
  explicit SoftSharingImpl(
      std::function<Network()> trunk, SoftSharingOptions options = {});

  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;

  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  /// weight · distance.
  torch::Tensor own_loss(c10::ArrayRef<int64_t> tasks) override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const Network& trunk(int64_t task) const;
  const SoftSharingOptions& options() const {
    return options_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  std::vector<std::string> held_together(const torch::nn::Module& trunk) const;

  SoftSharingOptions options_;
  std::shared_ptr<detail::StageColumns> trunks_;
  /// Names in every trunk.
  std::vector<std::string> held_;
};

TORCH_MODULE(SoftSharing);

} // namespace polytask
