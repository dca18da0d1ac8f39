// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <utility>
#include <vector>

namespace polytask::optim::detail {

/// While it lives, an optimizer has one group, of `parameters` and with the
/// options of `group`; afterwards the groups that it had.
class OnlyTheseParameters {
 public:
  OnlyTheseParameters(
      std::vector<torch::optim::OptimizerParamGroup>& groups,
      const torch::optim::OptimizerParamGroup& group,
      const std::vector<at::Tensor>& parameters)
      : groups_(groups) {
    other_.emplace_back(parameters, group.options().clone());
    groups_.swap(other_);
  }
  ~OnlyTheseParameters() {
    groups_.swap(other_);
  }
  OnlyTheseParameters(const OnlyTheseParameters&) = delete;
  OnlyTheseParameters& operator=(const OnlyTheseParameters&) = delete;

 private:
  std::vector<torch::optim::OptimizerParamGroup>& groups_;
  std::vector<torch::optim::OptimizerParamGroup> other_;
};

} // namespace polytask::optim::detail
