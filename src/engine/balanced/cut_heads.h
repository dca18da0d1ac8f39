// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "../program/feature_heads.h"
#include "../step_context.h"
#include "task_weights.h"

namespace polytask::detail {

/// The heads of the tasks that take part, cut off from what they share, so that
/// one backward gives each task's own gradients and the cotangents of its
/// features. Known heads are products without a graph.
class CutHeads {
 public:
  explicit CutHeads(const StepContext& context);

  /// One task's part of the step.
  struct Part {
    int64_t task;
    double weight;                         // of its gradients
    std::vector<torch::Tensor> features;   // what the head was given
    std::vector<torch::Tensor> leaves;     // the same, cut off; of a graph
    torch::Tensor loss;                    // of a graph
    const std::vector<torch::Tensor>* own; // trained parameters of its head
    /// Of the features; undefined where they cannot have one.
    std::vector<torch::Tensor> cotangents;
    /// Leaves that the loss reaches beside its features and its head: what is
    /// shared, as by a penalty on a weight, and others, as a loss's own
    /// parameter. Their gradients are those of loss times weight.
    std::vector<torch::Tensor> strays;
    std::vector<torch::Tensor> stray_gradients;
  };

  /// The losses [n], detached.
  torch::Tensor forward(
      const HeadSteps& steps, const std::vector<Inputs>& features);
  /// Writes `.grad` of the heads' own parameters, and the cotangents.
  void backward();
  /// [n, B, ...]; only where every head has one tensor, all of one shape.
  /// Where the features have no graph, good until the next step.
  torch::Tensor cotangents() const;
  /// The same one by one, of heads that have one tensor each.
  std::vector<torch::Tensor> cotangents_apart() const;
  void scale(const TaskWeights& weights);
  /// Adds what task i's loss reaches of `shared` by itself to its row [N], or
  /// to a sum of rows, times `factor`; says which of `shared` that is.
  void add_strays(
      size_t i,
      const std::vector<torch::Tensor>& shared,
      torch::Tensor row,
      double factor,
      std::vector<bool>* used = nullptr) const;
  /// Adds the gradients of all other strays to theirs, each task's by its
  /// weight; there may be no weights.
  void publish_strays(const TaskWeights& weights);
  void clear() {
    parts_.clear();
    features_.clear();
  }

  const std::vector<Part>& parts() const {
    return parts_;
  }
  /// Whether some loss reaches a shared parameter by itself.
  bool has_shared_strays() const {
    return has_shared_strays_;
  }

 private:
  bool takes_products() const;
  torch::Tensor forward_by_products();
  torch::Tensor forward_by_graph();
  void backward_by_products();
  void backward_by_graph();
  void find_strays(Part& part);
  void differentiate_strays(Part& part) const;

  const StepContext& context_;
  std::unique_ptr<FeatureHeads> known_; // where all heads are
  HeadSteps steps_;
  std::vector<Inputs> features_;
  std::vector<Part> parts_;
  bool by_products_ = false;
  bool has_strays_ = false;
  bool has_shared_strays_ = false;
};

} // namespace polytask::detail
