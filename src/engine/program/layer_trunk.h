// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "linear_layer.h"
#include "trunk.h"

namespace polytask::detail {

/// A trunk of linear layers and elementwise activations as a program: buffers
/// that are kept, no graph, each layer's gradient as one matrix product.
class LayerTrunk : public Trunk {
 public:
  /// Null, with the reason, unless the model's sharing is a HardSharing whose
  /// trunk is a Linear, or a Sequential of Linear, ReLU, Tanh and Sigmoid that
  /// starts with a Linear and gives `features` columns.
  static std::unique_ptr<LayerTrunk> make(
      const MultiTaskModel& model, int64_t features, std::string& reason);

  Route route() const override {
    return Route::kTrunkProgram;
  }
  Obstacle obstacle(const at::Tensor& input) const override;
  at::Tensor forward(const HeadStep& step) override;
  at::Tensor cotangent() override;
  void clear_gradients() override;
  void backward() override;

 private:
  enum class Activation { kNone, kReLU, kTanh, kSigmoid };

  /// One linear layer and what follows it.
  struct Stage {
    LinearLayer layer;
    Activation activation;
    torch::Tensor weight_gradient;
    torch::Tensor bias_gradient;
    /// [B, outputs]: what the stage gives, and the gradient of that.
    torch::Tensor output;
    torch::Tensor cotangent;
  };

  static std::optional<Activation> activation_of(
      const torch::nn::Module& module);
  void prepare(const at::Tensor& input);
  template <typename Scalar>
  void forward_as();
  template <typename Scalar>
  void backward_as();
  /// Whether a layer before `stage` learns.
  bool learns_below(size_t stage) const;

  std::vector<Stage> stages_;
  torch::Tensor input_;
};

} // namespace polytask::detail
