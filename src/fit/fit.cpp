// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/fit.h>

#include "fit/fit_loop.h"

namespace polytask::fit {

Fit::Fit(Training& training, TrainingData data, FitOptions options)
    : loop_(std::make_unique<detail::FitLoop>(
          *this, training, std::move(data), std::move(options))) {}

Fit::~Fit() = default;

History Fit::run() {
  return loop_->run();
}

void Fit::use_best(const std::string& task) {
  loop_->use_best(task);
}

Training& Fit::training() {
  return loop_->training();
}

const MultiTaskModel& Fit::model() const {
  return loop_->training().model();
}

const FitOptions& Fit::options() const {
  return loop_->options();
}

const History& Fit::history() const {
  return loop_->history();
}

int64_t Fit::epoch() const {
  return loop_->epoch();
}

int64_t Fit::epochs() const {
  return loop_->options().epochs();
}

int64_t Fit::step() const {
  return loop_->step();
}

int64_t Fit::steps() const {
  return loop_->planned_steps();
}

int64_t Fit::step_of_epoch() const {
  return loop_->step_of_epoch();
}

int64_t Fit::steps_per_epoch() const {
  return loop_->steps_per_epoch();
}

double Fit::seconds() const {
  return loop_->seconds();
}

std::vector<double> Fit::losses() const {
  return loop_->losses();
}

std::vector<double> Fit::learning_rates() const {
  return loop_->rates();
}

void Fit::stop(const std::string& reason) {
  loop_->stop(reason);
}

bool Fit::is_interrupted() const {
  return loop_->is_interrupted();
}

bool Fit::is_stopping() const {
  return loop_->is_stopping();
}

} // namespace polytask::fit
