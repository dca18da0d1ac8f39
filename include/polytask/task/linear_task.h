// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <ostream>

#include <polytask/core/api.h>

namespace polytask {

/// What W and b of a linear task start with.
enum class LinearInit {
  /// W uniform in [-range, range], b zero.
  kUniform,
  /// As `torch::nn::Linear`: both uniform in [-1/√d, 1/√d]. The one to take
  /// behind a trunk of many features.
  kLinear,
};

struct POLYTASK_API LinearTaskOptions {
  LinearTaskOptions(int64_t in_features, int64_t out_features)
      : in_features_(in_features), out_features_(out_features) {}

  /// Width of the input, d.
  TORCH_ARG(int64_t, in_features);
  /// Width of the output.
  TORCH_ARG(int64_t, out_features);
  /// Whether the layer adds a bias.
  TORCH_ARG(bool, bias) = true;
  /// What W and b start with; unless given, `kUniform`.
  TORCH_ARG(std::optional<LinearInit>, init);
  /// For `kUniform`: W starts in [-range, range]; unless given, 1.
  TORCH_ARG(std::optional<double>, range);

 public:
  /// Whether somebody has said how it is to start.
  bool start_was_chosen() const {
    return init_ || range_;
  }
};

/// The head of a linear task: y = x Wᵀ + b. W starts uniform in [-1, 1] and b
/// at zero unless the options say otherwise, drawn from LibTorch's global
/// generator. That suits a few inputs; behind a trunk of d features the first
/// loss would be about d times that of `LinearInit::kLinear`.
class POLYTASK_API LinearTaskImpl
    : public torch::nn::Cloneable<LinearTaskImpl> {
 public:
  /// Its forward leaves its input as it was.
  using OnlyReads = LinearTaskImpl;

  LinearTaskImpl(int64_t in_features, int64_t out_features)
      : LinearTaskImpl(LinearTaskOptions(in_features, out_features)) {}
  /// Throws unless both widths are at least 1 and the range, which `kLinear`
  /// has not, is finite and not negative.
  explicit LinearTaskImpl(const LinearTaskOptions& options);

  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;

  /// x: floating point, [B, in_features] -> [B, out_features].
  torch::Tensor forward(const torch::Tensor& input);

  LinearTaskOptions options;
  /// W: [out_features, in_features].
  torch::Tensor weight;
  /// b: [out_features]; undefined without bias.
  torch::Tensor bias;
};

/// A linear task, by itself a head like any other. Added to a model as it is,
/// it is trained on the mean squared error.
///
/// ```cpp
/// model->add_task("y1", polytask::LinearTask(2, 1));
/// ```
TORCH_MODULE(LinearTask);

} // namespace polytask
