// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/multi_task_model.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/function.h>

#include <utility>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// How the training is called.
enum class Call {
  kStep,              // step(batch), one Batch for all steps
  kNewBatch,          // step(Batch(...)): the same tensors, a Batch each step
  kNewBatchUnchecked, // the same, and nothing looked through
  kRun,               // run(batch, steps)
};

/// The contender that is polytask. `Training` is JointTraining or
/// AlternatingTraining; `arguments` are its constructor's after the model.
template <typename Training>
class TrainingContender : public TensorContender {
 public:
  template <typename... Arguments>
  TrainingContender(
      const Problem& problem,
      const MultiTaskModel& model,
      Call call,
      Arguments&&... arguments)
      : input_(problem.input),
        targets_(problem.named_targets()),
        call_(call),
        training_(model, std::forward<Arguments>(arguments)...) {
    start_from(model->unique_parameters(), problem.start);
  }

  void run(int64_t steps) override {
    if (call_ == Call::kRun) {
      training_.run(batch_, steps);
    } else if (call_ == Call::kStep) {
      for (int64_t i = 0; i < steps; ++i) {
        training_.step(batch_);
      }
    } else {
      const auto options = call_ == Call::kNewBatch
          ? BatchOptions()
          : BatchOptions().check_input(false).complete(true);
      for (int64_t i = 0; i < steps; ++i) {
        training_.step(Batch(input_, targets_, options));
      }
    }
  }

 private:
  torch::Tensor input_;
  Batch::Targets targets_;
  Batch batch_ = Batch(input_, targets_);
  Call call_;
  Training training_;
};

/// Draws the tasks that the problem gives.
inline AlternatingTrainingOptions drawn_before(const Problem& problem) {
  return AlternatingTrainingOptions().sampler(FunctionSampler(
      [draws = problem.draws](const auto& context) {
        return draws[static_cast<size_t>(context.draws) % draws.size()];
      },
      FunctionSamplerOptions().reads_model(false)));
}

} // namespace polytask::benchmarks
