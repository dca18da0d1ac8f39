// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <optional>
#include <ostream>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/core/network.h>

namespace polytask {

/// A head for `CalibratedLoss`: in training mode [B, 2], its task's logit and
/// that of the task before, which the loss compares; in evaluation mode [B, 1],
/// its task's alone, as metrics and predictions want it. It is given the
/// features of both, "own" and "previous": `AITMOptions::hands_previous`.
///
/// `previous` is the tower of the task before, the very module: it is tied, and
/// counts as shared.
class POLYTASK_API CalibratedHeadImpl : public torch::nn::Module {
 public:
  using OnlyReads = CalibratedHeadImpl;

  /// Two networks, each from features to a logit [B, 1].
  CalibratedHeadImpl(Network own, Network previous);

  torch::Tensor forward(const Inputs& features);
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const Network& own() const {
    return own_;
  }
  const Network& previous() const {
    return previous_;
  }

 private:
  Network own_;
  Network previous_;
};

TORCH_MODULE(CalibratedHead);

} // namespace polytask
