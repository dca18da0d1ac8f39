// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/chain_gradients.h"
#include "linear_heads.h"

namespace polytask::detail {

/// A head of known layers, the last of them linear and perhaps the only one: no
/// graph.
class DeepHead {
 public:
  /// Null, with the reason, where the head is of another kind.
  static std::unique_ptr<DeepHead> make(
      const MultiTaskModel& model, int64_t task, std::string& reason);

  /// Whether a layer before the last is trained.
  bool learns() const {
    return before_->learns();
  }
  const LinearLayer& output_layer() const {
    return last_->layer(task_);
  }
  bool is_trained() const {
    return last_->learns(task_) && (learns() || output_layer().is_trained());
  }
  Obstacle obstacle(
      at::ScalarType type, int64_t rows, const HeadStep& step) const;

  const LayerChain& before() const {
    return *before_;
  }

  /// Up to the last layer, on features that may be those of other heads too.
  void hide(const at::Tensor& features);
  /// Then the last layer and the loss, which may be a function of the user's.
  void forward(const HeadStep& step, std::vector<double>& losses);
  /// The head's gradients; gives that of the features where it is asked for,
  /// good until the next call.
  at::Tensor backward(const HeadStep& step, bool needs_cotangent);
  /// Sets `.grad`, or clears it.
  void publish(const HeadStep* step);
  void scale(double factor);

 private:
  DeepHead(
      const MultiTaskModel& model,
      int64_t task,
      std::shared_ptr<LayerChain> before,
      std::unique_ptr<LinearHeads> last);

  const MultiTaskModel model_;
  int64_t task_;
  std::shared_ptr<LayerChain> before_;
  std::unique_ptr<LinearHeads> last_;
  ChainGradients gradients_;
  at::Tensor hidden_; // what the last layer sees
  at::Tensor hidden_cotangent_;
};

} // namespace polytask::detail
