// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <memory>
#include <utility>
#include <vector>

namespace polytask::detail {

/// As long as it lives, no graph is made and every module is in eval mode; then
/// each is in the mode in which it was.
class EvalMode {
 public:
  explicit EvalMode(torch::nn::Module& model) {
    for (auto& module : model.modules()) {
      const bool training = module->is_training();
      modes_.emplace_back(std::move(module), training);
    }
    model.eval();
  }
  ~EvalMode() {
    // Children come after their parents, whose `train` sets them too.
    for (const auto& [module, training] : modes_) {
      if (module->is_training() != training) {
        module->train(training);
      }
    }
  }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  at::NoGradGuard no_grad_;
  std::vector<std::pair<std::shared_ptr<torch::nn::Module>, bool>> modes_;
};

} // namespace polytask::detail
