// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include <polytask/model/multi_task_model.h>

#include "../plan/plan.h"
#include "known_layer.h"

namespace polytask::detail {

/// Known layers one after the other, such as a trunk that all tasks share: one
/// forward, and back through it the cotangents of one task, of n at once, or
/// their sum; no graph. N parameters are trained. Made anew with the plan.
class LayerChain {
 public:
  /// Null, with the reason, where the layers' parameters are not those that are
  /// registered, in this order.
  static std::unique_ptr<LayerChain> make(
      KnownLayers layers,
      std::vector<torch::Tensor> registered,
      std::string& reason);

  /// Why it cannot take a step. `like`: a parameter of the model.
  Obstacle obstacle(const torch::Tensor& like) const;
  /// Contiguous; overwrites what the forward before gave.
  torch::Tensor forward(const torch::Tensor& input);
  /// Whether its next forward takes numbers from a generator.
  bool draws() const;
  bool takes_indices() const {
    return links_.front().layer->takes_indices();
  }
  /// Whether its output is that of a ReLU which the last layer took in.
  bool is_rectified() const {
    return links_.back().layer->is_rectified();
  }

  /// Whether anything in it is trained.
  bool learns() const {
    return top_ > 0;
  }
  /// Those that are trained.
  const std::vector<torch::Tensor>& parameters() const {
    return parameters_;
  }
  /// All, frozen ones too.
  const std::vector<torch::Tensor>& registered() const {
    return registered_;
  }
  /// Of all of them: N.
  int64_t elements() const {
    return elements_;
  }

  /// From the cotangents of the features, [n · B, ...], to those of the highest
  /// layer that learns. May write to them.
  /// `is_masked`: what that ReLU stops was left out of them, here and below.
  torch::Tensor descend(
      torch::Tensor cotangents, int64_t tasks, bool is_masked = false);
  // From what `descend` gave, as often as need be:
  /// Writes the gradients to the parts of `rows` [n, N].
  void write_rows(
      const torch::Tensor& cotangents,
      int64_t tasks,
      const std::vector<torch::Tensor>& parts,
      bool is_masked = false);
  /// The same from the cotangents of the output, and on to those of the input,
  /// which are returned.
  torch::Tensor send_through(
      torch::Tensor cotangents,
      int64_t tasks,
      const std::vector<torch::Tensor>& parts,
      bool is_masked = false);
  /// Adds the gradients' inner products.
  void add_to_gramian(
      const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum);
  /// What each layer writes of `rows` [n, N]: [n, own N].
  std::vector<torch::Tensor> parts(const torch::Tensor& rows) const;

  /// Of `write_rows` and of `add_to_gramian`, after this forward.
  KnownLayer::Costs costs(int64_t tasks) const;

 private:
  struct Link {
    std::unique_ptr<KnownLayer> layer;
    /// Its parameters' place among all, and their number.
    int64_t offset = 0;
    int64_t count = 0;
  };

  explicit LayerChain(KnownLayers layers);

  /// Whether they are these tensors, in this order.
  bool has_parameters(const std::vector<torch::Tensor>& parameters) const;
  /// Visits each layer that learns, from the top, with its cotangents.
  template <typename Visit>
  void backward(
      torch::Tensor cotangents,
      int64_t tasks,
      bool is_masked,
      const Visit& visit);
  /// What the ReLU behind a layer lets through of them, in place.
  void mask(
      size_t link,
      torch::Tensor& cotangents,
      int64_t tasks,
      bool is_masked) const;

  std::vector<Link> links_;
  std::vector<torch::Tensor> registered_;
  std::vector<torch::Tensor> parameters_;
  int64_t elements_ = 0;
  /// One past the highest layer that learns, or keeps cotangents above one.
  size_t top_ = 0;
};

/// The chain of a hard-shared trunk, or why there is none.
struct KnownTrunk {
  static KnownTrunk of(const MultiTaskModel& model, bool has_tied_modules);
  /// Why it cannot take a step on this input.
  Obstacle obstacle(
      const torch::Tensor& input, const torch::Tensor& like) const;
  torch::Tensor forward(const torch::Tensor& input) const;

  std::shared_ptr<LayerChain> chain;
  std::string why_not;
};

} // namespace polytask::detail
