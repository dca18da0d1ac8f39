// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/sharing/sharing.h>

namespace polytask {

/// The base of sharings that override `features_for_all` and `features_for`:
/// the features of one tensor are theirs.
class POLYTASK_API InputsSharing : public Sharing {
 public:
  using Sharing::Sharing;

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override;
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override;
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override = 0;
  Inputs features_for(const Inputs& inputs, int64_t task) override = 0;
};

} // namespace polytask
