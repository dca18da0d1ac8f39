// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <polytask/sharing/sharing_around.h>

namespace polytask {

/// The tasks that each task depends on, by name.
using TaskRelations = std::map<std::string, std::vector<std::string>>;

struct POLYTASK_API DeepBayesianMTLOptions {
  explicit DeepBayesianMTLOptions(int64_t in_features)
      : in_features_(in_features) {}

  /// Width of the inner sharing's features.
  TORCH_ARG(int64_t, in_features);
  /// Widths of each task's tower, a linear layer and a ReLU for each; none: the
  /// inner features take its place.
  TORCH_ARG(std::vector<int64_t>, tower_widths);
  /// The same of the relation networks; at least one where there are any.
  TORCH_ARG(std::vector<int64_t>, relation_widths);
  /// Each task's predecessors, by name, in the order in which their relation
  /// outputs are put behind its tower's.
  TORCH_ARG(TaskRelations, relations);
  /// Whether tasks without a predecessor have a relation network too, as
  /// EasyRec's have.
  TORCH_ARG(bool, relates_all) = false;
};

/// Tasks that depend on each other, such as a purchase on a click
/// (DeepBayesianMTL). On what an inner sharing gives it, a bottom that all
/// share, a mixture of experts or any other, each task has a tower; a task with
/// predecessors then has a relation network on [own tower, relation outputs of
/// the predecessors], whose output is its features. The relation output of the
/// others is their tower's.
///
/// One task's features take those it depends on, and no others. Networks that
/// one task alone uses are its own; those of a task on which another depends
/// are shared.
///
/// Throws, where a task is added, unless those it depends on stand before it;
/// where features are asked for, unless each task that `relations` names is
/// there; and at once on a relation of a task to itself, a repeated one, and a
/// cycle.
///
/// Source: Q. Wang, Z. Ji, H. Liu, B. Zhao, "Deep Bayesian Multi-Target
/// Learning for Recommender Systems", arXiv 2019; in the form of
/// TorchEasyRec.
///
/// ```cpp
/// polytask::MultiTaskModel model{polytask::DeepBayesianMTL(
///     polytask::HardSharing(bottom),
///     polytask::DeepBayesianMTLOptions(64).tower_widths({32}).relation_widths({16})
///         .relations({{"buy", {"click"}}}))};
/// ```
class POLYTASK_API DeepBayesianMTLImpl : public SharingAround {
 public:
  DeepBayesianMTLImpl(
      std::shared_ptr<Sharing> inner, DeepBayesianMTLOptions options);
  template <std::derived_from<Sharing> Impl>
  DeepBayesianMTLImpl(
      torch::nn::ModuleHolder<Impl> inner, DeepBayesianMTLOptions options)
      : DeepBayesianMTLImpl(
            std::shared_ptr<Sharing>(inner.ptr()), std::move(options)) {}

  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const DeepBayesianMTLOptions& options() const {
    return options_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  struct Step {
    std::vector<size_t> before;              // its predecessors' places
    torch::nn::Sequential tower{nullptr};    // or none
    torch::nn::Sequential relation{nullptr}; // or none
    int64_t width = 0;                       // of its relation output
  };
  using Places = std::vector<bool>;

  const std::vector<std::string>& predecessors(const std::string& name) const;
  void add_step(const std::string& name);
  /// A task and all that it depends on.
  Places needed_by(size_t task) const;
  void check_names() const;
  /// Relation outputs of those that are needed; the others are undefined.
  std::vector<torch::Tensor> outputs(
      const std::vector<torch::Tensor>& inner, const Places& needed) const;
  torch::Tensor checked(const Inputs& features, size_t task) const;
  std::vector<torch::Tensor> step_parameters(size_t step) const;

  DeepBayesianMTLOptions options_;
  std::shared_ptr<torch::nn::Module> towers_;
  std::shared_ptr<torch::nn::Module> relations_;
  std::vector<Step> steps_;
};

TORCH_MODULE(DeepBayesianMTL);

} // namespace polytask
