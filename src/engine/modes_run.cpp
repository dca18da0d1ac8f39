// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "modes_run.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <polytask/core/host_value.h>

#include "costs.h"
#include "program/sgd_state.h"

namespace polytask::detail {

namespace {

// LAPACK's work space for more has more elements than it can count.
constexpr int64_t kMaxWidth = 16384;

template <typename Fingerprint>
void add_to(Fingerprint& print, const torch::Tensor& tensor) {
  if (tensor.defined()) {
    print.emplace_back(tensor.unsafeGetTensorImpl(), tensor._version());
    print.emplace_back(tensor.const_data_ptr(), tensor.requires_grad());
  }
}

} // namespace

ModesRun::ModesRun(
    StepContext& context,
    const LinearHeads& heads,
    const HeadSteps& steps,
    const TaskSource& source,
    const StepObserver& observer)
    : context_(context),
      heads_(heads),
      steps_(steps),
      source_(source),
      observer_(observer),
      places_(static_cast<size_t>(context.model->size()), kNoPlace) {
  for (size_t place = 0; place < steps.size(); ++place) {
    places_[static_cast<size_t>(steps[place].task)] = place;
  }
}

std::string ModesRun::obstacle() {
  if (context_.options.clipping()) {
    return "gradients are clipped";
  }
  if (!heads_.are_squares(steps_)) {
    return "a loss is not the mean squared error";
  }
  if (heads_.width() > kMaxWidth) {
    return "the input is too wide";
  }
  std::string reason;
  find_options(reason);
  return reason;
}

void ModesRun::find_options(std::string& reason) {
  options_.clear();
  for (const HeadStep& step : steps_) {
    options_.push_back(
        sgd_options_of(*context_.optimizer, heads_.layer(step.task), reason));
  }
}

bool ModesRun::is_cheaper(int64_t count) const {
  FixedBatchJob job{};
  job.width = heads_.width();
  job.is_double = context_.parameters.front().scalar_type() == at::kDouble;
  job.observed = static_cast<bool>(observer_);
  for (const HeadStep& step : steps_) {
    const int64_t outputs = heads_.layer(step.task).outputs;
    job.rows = std::max(job.rows, step.input->size(0));
    job.outputs += outputs;
    job.bases += step.labels->is_complete() ? 0 : outputs;
  }
  job.bases += 1;
  job.outputs_per_step = static_cast<double>(job.outputs) /
      (source_.next ? static_cast<double>(steps_.size()) : 1);
  const auto steps = static_cast<double>(count);
  return modes_setup_cost(job) + steps * modes_step_cost(job) <
      steps * residual_step_cost(job);
}

void ModesRun::check_losses(c10::ArrayRef<size_t> places) const {
  for (const size_t place : places) {
    const double loss = equations_->loss(place);
    if (!std::isfinite(loss)) {
      context_.check_loss(steps_[place].task, loss);
    }
    if (source_.observe) {
      source_.observe(steps_[place].task, loss);
    }
  }
}

StepReport ModesRun::report(c10::ArrayRef<size_t> places, int64_t drawn) const {
  std::vector<double> losses(places_.size(), 0.0);
  std::vector<double> weights(places_.size(), 0.0);
  for (const size_t place : places) {
    const auto task = static_cast<size_t>(steps_[place].task);
    losses[task] = equations_->loss(place);
    weights[task] = steps_[place].weight;
  }
  StepReport report;
  const auto type = context_.parameters.front().scalar_type();
  report.losses = host_vector(losses, type);
  report.weights = host_vector(weights, type);
  if (drawn >= 0) {
    report.task = context_.name(drawn);
  }
  return report;
}

void ModesRun::write(c10::ArrayRef<size_t> places) {
  for (const size_t place : places) {
    equations_->write_parameters(place);
  }
  equations_->write_momentum(*context_.optimizer);
}

ModesRun::Fingerprint ModesRun::fingerprint() const {
  Fingerprint print;
  for (const HeadStep& step : steps_) {
    const LinearLayer& layer = heads_.layer(step.task);
    print.emplace_back(
        nullptr, context_.model->task(step.task).weight() == step.weight);
    for (const torch::Tensor* tensor : {layer.weight, layer.bias}) {
      if (tensor->defined()) {
        add_to(print, *tensor);
        add_to(print, momentum_of(*context_.optimizer, *tensor));
      }
    }
  }
  return print;
}

int64_t ModesRun::run(int64_t count, int64_t& counter, int64_t& drawn) {
  drawn = kNoTask;
  equations_ = std::make_unique<NormalEquations>(heads_, steps_);
  equations_->read_momentum(*context_.optimizer);
  std::vector<size_t> all(steps_.size());
  std::iota(all.begin(), all.end(), size_t{0});
  c10::ArrayRef<size_t> places = all;
  size_t place = 0;
  int64_t taken = 0;
  bool changed = false;
  try {
    while (taken < count && !changed) {
      if (source_.next) {
        drawn = source_.next();
        place = places_.at(static_cast<size_t>(drawn));
        if (place == kNoPlace) {
          break;
        }
        places = place;
      }
      check_losses(places);
      const StepReport seen = observer_ ? report(places, drawn) : StepReport();
      for (const size_t each : places) {
        equations_->step(each, *options_[each]);
      }
      ++taken;
      ++counter;
      if (observer_) {
        write(places);
        changed = show(seen, counter);
      }
      drawn = kNoTask;
    }
  } catch (...) {
    if (!observer_) {
      write(all);
    }
    throw;
  }
  if (!observer_) {
    write(all);
  }
  return taken;
}

bool ModesRun::show(StepReport report, int64_t counter) {
  const Fingerprint before = fingerprint();
  report.step = counter;
  observer_(report);
  std::string reason;
  find_options(reason);
  return !reason.empty() || fingerprint() != before;
}

} // namespace polytask::detail
