// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include <polytask/core/network.h>
#include <polytask/sharing/sharing_around.h>

namespace polytask {

struct POLYTASK_API PrecededOptions {
  /// The input whose place the network's output takes; the inner sharing gets
  /// the others too. Empty: it gets the output alone.
  TORCH_ARG(std::string, replaces);
};

/// A network that all tasks share, before another way to share: an `EPNet`
/// before an MMoE or a `PPNet`, an embedding before experts.
///
/// ```cpp
/// polytask::MultiTaskModel model{polytask::Preceded(
///     polytask::EPNet(polytask::EPNetOptions(64, 8)),
///     polytask::PPNet(polytask::PPNetOptions(64, 8, {128, 64})),
///     polytask::PrecededOptions().replaces("input"))};
/// ```
class POLYTASK_API PrecededImpl : public SharingAround {
 public:
  PrecededImpl(
      Network first,
      std::shared_ptr<Sharing> inner,
      PrecededOptions options = {});
  template <std::derived_from<Sharing> Impl>
  PrecededImpl(
      Network first,
      torch::nn::ModuleHolder<Impl> inner,
      PrecededOptions options = {})
      : PrecededImpl(
            std::move(first),
            std::shared_ptr<Sharing>(inner.ptr()),
            std::move(options)) {}

  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  std::vector<Inputs> features_for_some(
      const Inputs& inputs, const std::vector<int64_t>& tasks) override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const Network& first() const {
    return first_;
  }

 private:
  Inputs inner_inputs(const Inputs& inputs) const;

  Network first_;
  PrecededOptions options_;
};

TORCH_MODULE(Preceded);

} // namespace polytask
