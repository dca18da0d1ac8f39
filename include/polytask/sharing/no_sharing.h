// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/pimpl.h>

#include <polytask/sharing/sharing.h>

namespace polytask {

/// Nothing is shared: each task sees the input itself, all tensors of it.
class POLYTASK_API NoSharingImpl : public Sharing {
 public:
  NoSharingImpl();

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override;
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override;
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;
};

TORCH_MODULE(NoSharing);

} // namespace polytask
