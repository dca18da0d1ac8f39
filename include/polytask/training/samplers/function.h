// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <torch/arg.h>

#include <polytask/training/task_sampler.h>

namespace polytask {

struct POLYTASK_API FunctionSamplerOptions {
  /// Whether the function looks at the model. Where it does not, `run` on one
  /// batch is free to take steps that keep the weights aside, which are many
  /// times as fast.
  TORCH_ARG(bool, reads_model) = true;
};

/// Asks a function of the user's for each task. What the function keeps for
/// itself is not part of the sampler's state. It may look at the model, which
/// has the weights of the step to come, unless the options say otherwise.
///
/// Its word holds: where it names a task that takes no part, the step moves
/// nothing.
///
/// ```cpp
/// using Context = polytask::FunctionSampler::Context;
/// polytask::FunctionSampler every_third([](const Context& context) {
///   return context.draws % 3 == 0 ? 1 : 0;
/// });
/// ```
class POLYTASK_API FunctionSampler : public CloneableSampler<FunctionSampler> {
 public:
  struct Context {
    const std::vector<std::string>& tasks;
    /// How many tasks were drawn before.
    int64_t draws;
    /// Seeded with the sampler and part of its state.
    std::mt19937_64& generator;
    /// Which tasks can be trained: not those of weight 0 or without a label.
    const std::vector<bool>& takes_part;
  };
  /// The place of the next task, from 0.
  using Function = std::function<int64_t(const Context&)>;

  explicit FunctionSampler(
      Function function, FunctionSamplerOptions options = {});
  bool reads_model() const override {
    return options_.reads_model();
  }

 protected:
  /// Throws if the function's answer is no task.
  int64_t draw() override;

 private:
  Function function_;
  FunctionSamplerOptions options_;
};

} // namespace polytask
