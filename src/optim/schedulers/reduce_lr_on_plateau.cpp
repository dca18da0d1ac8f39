// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/reduce_lr_on_plateau.h>

#include <ATen/core/ivalue.h>
#include <c10/util/Exception.h>
#include <torch/optim/optimizer.h>
#include <torch/serialize/archive.h>

#include <algorithm>
#include <utility>

#include "checks.h"

namespace polytask::optim {

namespace {

constexpr auto kPlateau = "ReduceLROnPlateau";

void check_count(const char* what, int64_t number) {
  TORCH_CHECK_VALUE(
      number >= 0,
      kPlateau,
      ": expected ",
      what,
      " of at least 0, but got ",
      number,
      ".");
}

template <typename Is>
c10::IValue read_plateau_value(
    torch::serialize::InputArchive& archive, const char* key, const Is& is) {
  c10::IValue value;
  TORCH_CHECK_VALUE(
      archive.try_read(key, value) && is(value),
      kPlateau,
      ": expected an archive that a ",
      kPlateau,
      " wrote, but its '",
      key,
      "' is missing or of another kind.");
  return value;
}

int64_t read_count(torch::serialize::InputArchive& archive, const char* key) {
  const auto value = read_plateau_value(archive, key, [](const auto& found) {
    return found.isInt() && found.toInt() >= 0;
  });
  return value.toInt();
}

} // namespace

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options)
    : options_(std::move(options)) {
  TORCH_CHECK_VALUE(
      options_.factor() >= 0 && options_.factor() < 1,
      kPlateau,
      ": expected a factor in [0, 1), but got ",
      options_.factor(),
      ".");
  check_count("a patience", options_.patience());
  check_count("a cooldown", options_.cooldown());
  detail::check_not_negative(kPlateau, "a threshold", options_.threshold());
  detail::check_not_negative(kPlateau, "an eps", options_.eps());
  for (const double rate : options_.min_lr()) {
    detail::check_not_negative(kPlateau, "a min_lr", rate);
  }
}

void ReduceLROnPlateau::start(torch::optim::Optimizer& optimizer) {
  const size_t floors = options_.min_lr().size();
  const size_t groups = optimizer.param_groups().size();
  TORCH_CHECK_VALUE(
      floors == 1 || floors == groups,
      kPlateau,
      ": expected one min_lr, or one for each of the ",
      groups,
      " parameter groups, but got ",
      floors,
      ".");
  optimizer_ = &optimizer;
  groups_ = groups;
  best_ = std::numeric_limits<double>::infinity();
  if (options_.mode() == ReduceLROnPlateauOptions::Mode::kMax) {
    best_ = -best_;
  }
  bad_ = cooldown_ = steps_ = 0;
}

void ReduceLROnPlateau::check_started(const char* what) const {
  TORCH_CHECK_VALUE(
      optimizer_ != nullptr,
      kPlateau,
      ": expected a call of start before ",
      what,
      ", but there was none.");
  TORCH_CHECK_VALUE(
      optimizer_->param_groups().size() == groups_,
      kPlateau,
      ": expected the ",
      groups_,
      " parameter groups that the optimizer had at the start, but found ",
      optimizer_->param_groups().size(),
      "; start again.");
}

bool ReduceLROnPlateau::is_better(double metric) const {
  using Options = ReduceLROnPlateauOptions;
  const bool is_relative =
      options_.threshold_mode() == Options::ThresholdMode::kRel;
  const double threshold = options_.threshold();
  if (options_.mode() == Options::Mode::kMin) {
    return metric <
        (is_relative ? best_ * (1.0 - threshold) : best_ - threshold);
  }
  return metric > (is_relative ? best_ * (threshold + 1.0) : best_ + threshold);
}

void ReduceLROnPlateau::reduce() {
  const auto& floors = options_.min_lr();
  for (size_t i = 0; i < groups_; ++i) {
    auto& options = optimizer_->param_groups()[i].options();
    const double before = options.get_lr();
    const double after = std::max(
        before * options_.factor(), floors[floors.size() == 1 ? 0 : i]);
    if (before - after > options_.eps()) {
      options.set_lr(after);
    }
  }
}

void ReduceLROnPlateau::step(double metric) {
  check_started("step");
  ++steps_;
  if (is_better(metric)) {
    best_ = metric;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooldown_ > 0) {
    --cooldown_;
    bad_ = 0;
  }
  if (bad_ > options_.patience()) {
    reduce();
    cooldown_ = options_.cooldown();
    bad_ = 0;
  }
}

std::vector<double> ReduceLROnPlateau::last_rates() const {
  check_started("last_rates");
  std::vector<double> rates;
  for (const auto& group : optimizer_->param_groups()) {
    rates.push_back(group.options().get_lr());
  }
  return rates;
}

void ReduceLROnPlateau::save(torch::serialize::OutputArchive& archive) const {
  check_started("save");
  archive.write("scheduler", c10::IValue(kPlateau));
  archive.write("steps", c10::IValue(steps_));
  archive.write("best", c10::IValue(best_));
  archive.write("num_bad_epochs", c10::IValue(bad_));
  archive.write("cooldown_counter", c10::IValue(cooldown_));
  archive.write("rates", c10::IValue(last_rates()));
}

void ReduceLROnPlateau::load(torch::serialize::InputArchive& archive) {
  check_started("load");
  read_plateau_value(archive, "scheduler", [](const auto& found) {
    return found.isString() && found.toStringRef() == kPlateau;
  });
  const int64_t steps = read_count(archive, "steps");
  const int64_t bad = read_count(archive, "num_bad_epochs");
  const int64_t cooldown = read_count(archive, "cooldown_counter");
  const double best =
      read_plateau_value(archive, "best", [](const auto& found) {
        return found.isDouble();
      }).toDouble();
  const auto rates =
      read_plateau_value(archive, "rates", [](const auto& found) {
        return found.isDoubleList();
      }).toDoubleVector();
  TORCH_CHECK_VALUE(
      rates.size() == groups_,
      kPlateau,
      ": expected the rates of ",
      groups_,
      " parameter groups in the archive, but found ",
      rates.size(),
      ".");
  steps_ = steps;
  bad_ = bad;
  cooldown_ = cooldown;
  best_ = best;
  for (size_t i = 0; i < groups_; ++i) {
    optimizer_->param_groups()[i].options().set_lr(rates[i]);
  }
}

torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive,
    const ReduceLROnPlateau& scheduler) {
  scheduler.save(archive);
  return archive;
}

torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, ReduceLROnPlateau& scheduler) {
  scheduler.load(archive);
  return archive;
}

} // namespace polytask::optim
