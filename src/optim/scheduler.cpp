// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/scheduler.h>

#include <ATen/core/ivalue.h>
#include <c10/util/Exception.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <tuple>
#include <utility>

#include "core/archive.h"

namespace polytask::optim {

namespace {

template <typename Options>
bool set_momentum_of(torch::optim::OptimizerOptions& options, double momentum) {
  auto* own = dynamic_cast<Options*>(&options);
  if (own) {
    own->momentum(momentum);
  }
  return own != nullptr;
}

template <typename Options>
bool set_first_beta_of(
    torch::optim::OptimizerOptions& options, double momentum) {
  auto* own = dynamic_cast<Options*>(&options);
  if (own) {
    own->betas({momentum, std::get<1>(own->betas())});
  }
  return own != nullptr;
}

// False where these options know no momentum.
bool set_momentum(torch::optim::OptimizerOptions& options, double momentum) {
  return set_momentum_of<torch::optim::SGDOptions>(options, momentum) ||
      set_momentum_of<torch::optim::RMSpropOptions>(options, momentum) ||
      set_first_beta_of<torch::optim::AdamOptions>(options, momentum) ||
      set_first_beta_of<torch::optim::AdamWOptions>(options, momentum);
}

} // namespace

void Scheduler::start(torch::optim::Optimizer& optimizer) {
  if (const auto at_first = momentum(0)) {
    for (auto& group : optimizer.param_groups()) {
      TORCH_CHECK_VALUE(
          set_momentum(group.options(), *at_first),
          name(),
          ": expected an optimizer with momentum to set, SGD, RMSprop, Adam or "
          "AdamW, but got another one.");
    }
  }
  optimizer_ = &optimizer;
  steps_ = 0;
  initial_rates_.clear();
  for (const auto& group : optimizer.param_groups()) {
    initial_rates_.push_back(group.options().get_lr());
  }
  set_rates();
}

void Scheduler::step() {
  check_started("step");
  ++steps_;
  set_rates();
}

void Scheduler::save(torch::serialize::OutputArchive& archive) const {
  check_started("save");
  archive.write("scheduler", c10::IValue(name()));
  archive.write("steps", c10::IValue(steps_));
  archive.write("initial_rates", c10::IValue(initial_rates_));
}

void Scheduler::load(torch::serialize::InputArchive& archive) {
  check_started("load");
  const polytask::detail::ArchiveReader reader(archive, name());
  const std::string kind = reader.text("scheduler");
  TORCH_CHECK_VALUE(
      kind == name(),
      name(),
      ": expected an archive that a scheduler of its kind wrote, but found one "
      "of ",
      kind,
      ".");
  const int64_t steps = reader.integer("steps");
  TORCH_CHECK_VALUE(
      steps >= 0,
      name(),
      ": expected a number of steps of at least 0 in the archive, but found ",
      steps,
      ".");
  std::vector<double> rates = reader.numbers("initial_rates");
  TORCH_CHECK_VALUE(
      rates.size() == initial_rates_.size(),
      name(),
      ": expected the rates of ",
      initial_rates_.size(),
      " parameter groups in the archive, but found ",
      rates.size(),
      ".");
  steps_ = steps;
  initial_rates_ = std::move(rates);
  set_rates();
}

torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Scheduler& scheduler) {
  scheduler.save(archive);
  return archive;
}

torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Scheduler& scheduler) {
  scheduler.load(archive);
  return archive;
}

void Scheduler::check_started(const char* what) const {
  TORCH_CHECK_VALUE(
      optimizer_ != nullptr,
      name(),
      ": expected a call of start before ",
      what,
      ", but there was none.");
  TORCH_CHECK_VALUE(
      optimizer_->param_groups().size() == initial_rates_.size(),
      name(),
      ": expected the ",
      initial_rates_.size(),
      " parameter groups that the optimizer had at the start, but found ",
      optimizer_->param_groups().size(),
      "; start again.");
}

void Scheduler::set_rates() {
  const auto now = momentum(steps_);
  last_rates_.resize(initial_rates_.size());
  for (size_t i = 0; i < initial_rates_.size(); ++i) {
    auto& options = optimizer_->param_groups()[i].options();
    last_rates_[i] = rate(steps_, initial_rates_[i]);
    options.set_lr(last_rates_[i]);
    if (now) {
      set_momentum(options, *now);
    }
  }
}

} // namespace polytask::optim
