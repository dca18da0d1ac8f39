// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "modes_run.h"

#include <cmath>
#include <numeric>

#include "costs.h"
#include "program/sgd_state.h"

namespace polytask::detail {

namespace {

// LAPACK's work space has 2 d² elements, which it counts with an int.
constexpr int64_t kMaxWidth = 16384;
constexpr int64_t kMaxBasisBytes = int64_t{1} << 30;

} // namespace

ModesRun::ModesRun(
    StepContext& context,
    const LinearHeads& heads,
    const Batch& batch,
    const HeadSteps& steps,
    const TaskSource& source)
    : context_(context),
      heads_(heads),
      steps_(steps),
      source_(source),
      places_(static_cast<size_t>(context.model->size()), kNoPlace),
      in_batch_(places_.size(), false) {
  for (size_t place = 0; place < steps.size(); ++place) {
    places_[static_cast<size_t>(steps[place].task)] = place;
  }
  for (const auto& part : batch.parts()) {
    in_batch_[static_cast<size_t>(context.model->index(part.task))] = true;
  }
  context.find_takers(batch, takes_part_);
}

std::string ModesRun::obstacle() {
  if (context_.options.clipping()) {
    return "gradients are clipped";
  }
  if (context_.options.grad_scaler()) {
    return "a GradScaler scales the losses";
  }
  for (const HeadStep& step : steps_) {
    if (step.labels->is_weighted()) {
      return "rows have weights";
    }
  }
  if (source_.reads_model) {
    return "the sampler may look at the model before each step, unless its "
           "`reads_model` says otherwise";
  }
  if (!heads_.are_squares(steps_)) {
    return "a loss is not the mean squared error";
  }
  const int64_t size = heads_.width() + 1;
  if (size > kMaxWidth ||
      NormalEquations::count_bases(heads_, steps_) * size * size *
              static_cast<int64_t>(sizeof(double)) >
          kMaxBasisBytes) {
    return "the eigenbasis would take too much memory";
  }
  std::string reason;
  options_ = sgd_options_of(*context_.optimizer, heads_, steps_, reason);
  return reason;
}

bool ModesRun::is_cheaper(int64_t count) const {
  FixedBatchJob job{};
  job.width = heads_.width();
  job.is_double = heads_.type(steps_.front().task) == at::kDouble;
  job.bases = NormalEquations::count_bases(heads_, steps_);
  for (const HeadStep& step : steps_) {
    job.rows = std::max(job.rows, step.input->size(0));
    job.outputs += heads_.layer(step.task).outputs;
  }
  job.outputs_per_step = static_cast<double>(job.outputs) /
      (source_.next ? static_cast<double>(steps_.size()) : 1);
  const auto steps = static_cast<double>(count);
  return modes_setup_cost(job) + steps * modes_step_cost(job) <
      steps * residual_step_cost(job);
}

void ModesRun::check_loss(
    const NormalEquations& equations, size_t place) const {
  const double loss = equations.loss(place);
  if (!std::isfinite(loss)) {
    context_.check_loss(steps_[place].task, loss);
  }
  if (source_.observe) {
    source_.observe(steps_[place].task, loss);
  }
}

int64_t ModesRun::run(int64_t count, int64_t& counter, int64_t& drawn) {
  drawn = kNotDrawn;
  NormalEquations equations(heads_, steps_);
  if (!equations.is_finite()) {
    return 0;
  }
  equations.read_momentum(*context_.optimizer);
  std::vector<size_t> all(steps_.size());
  std::iota(all.begin(), all.end(), size_t{0});
  c10::ArrayRef<size_t> places = all;
  size_t place = 0;
  int64_t taken = 0;
  try {
    for (; taken < count; ++taken, ++counter) {
      if (source_.next) {
        const int64_t task = source_.next(takes_part_);
        if (task < 0) {
          continue; // nobody is drawn: nothing moves
        }
        place = places_.at(static_cast<size_t>(task));
        if (place != kNoPlace) {
          places = place;
        } else if (in_batch_[static_cast<size_t>(task)]) {
          continue; // without a label: nothing moves
        } else {
          drawn = task;
          break;
        }
      }
      for (const size_t each : places) {
        check_loss(equations, each);
      }
      for (const size_t each : places) {
        equations.step(each, *options_[each]);
      }
    }
  } catch (...) {
    equations.write(*context_.optimizer);
    throw;
  }
  equations.write(*context_.optimizer);
  return taken;
}

} // namespace polytask::detail
