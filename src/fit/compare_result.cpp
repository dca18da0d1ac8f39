// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/comparison.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "core/check.h"

namespace polytask::fit {

namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

bool can_be_compared_with(double alone) {
  return std::isfinite(alone) && alone != 0;
}

Comparison::Spread spread_of(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  const double mean = sum / count;
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return {mean, count > 1 ? std::sqrt(squares / (count - 1)) : kNoNumber};
}

} // namespace

double better_by_percent(double value, double alone, bool higher_is_better) {
  if (!can_be_compared_with(alone)) {
    return kNoNumber;
  }
  const double gain = higher_is_better ? value - alone : alone - value;
  return 100 * gain / std::abs(alone);
}

double delta_m(
    const std::vector<double>& values,
    const std::vector<double>& alone,
    const std::vector<bool>& higher_is_better) {
  TORCH_CHECK_VALUE(
      values.size() == alone.size() && values.size() == higher_is_better.size(),
      "delta_m: expected as many values as tasks, but got ",
      values.size(),
      ", ",
      alone.size(),
      " of tasks alone, and ",
      higher_is_better.size(),
      " directions.");
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (can_be_compared_with(alone[i])) {
      sum += better_by_percent(values[i], alone[i], higher_is_better[i]);
      ++count;
    }
  }
  return count > 0 ? sum / static_cast<double>(count) : kNoNumber;
}

Comparison::Comparison(
    std::vector<uint64_t> seeds,
    std::vector<Task> tasks,
    std::vector<Method> methods,
    std::vector<std::pair<std::string, std::string>> facts)
    : seeds_(std::move(seeds)),
      tasks_(std::move(tasks)),
      methods_(std::move(methods)),
      facts_(std::move(facts)) {
  TORCH_CHECK_VALUE(
      !seeds_.empty() && !tasks_.empty() && !methods_.empty(),
      "Comparison: expected a seed, a task and a method, but got ",
      seeds_.size(),
      ", ",
      tasks_.size(),
      " and ",
      methods_.size(),
      ".");
  for (const auto& method : methods_) {
    const bool is_whole =
        method.values.size() == tasks_.size() &&
        method.steps.size() == seeds_.size() &&
        method.seconds.size() == seeds_.size() &&
        std::all_of(
            method.values.begin(), method.values.end(), [&](const auto& own) {
              return own.size() == seeds_.size();
            });
    TORCH_CHECK_VALUE(
        is_whole,
        "Comparison: method '",
        method.name,
        "': expected values [",
        tasks_.size(),
        "][",
        seeds_.size(),
        "], and steps and seconds for each seed.");
  }
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const auto& alone = methods_.front().values[t];
    if (!std::all_of(alone.begin(), alone.end(), can_be_compared_with)) {
      left_out_.push_back(tasks_[t].name);
    }
  }
}

const Comparison::Method& Comparison::method(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& method : methods_) {
    if (method.name == name) {
      return method;
    }
    names.push_back(method.name);
  }
  TORCH_CHECK_VALUE(
      false,
      "Comparison: there is no method '",
      name,
      "'; there are ",
      polytask::detail::quoted(names),
      ".");
}

size_t Comparison::index(const std::string& task) const {
  std::vector<std::string> names;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    if (tasks_[t].name == task) {
      return t;
    }
    names.push_back(tasks_[t].name);
  }
  TORCH_CHECK_VALUE(
      false,
      "Comparison: there is no task '",
      task,
      "'; there are ",
      polytask::detail::quoted(names),
      ".");
}

const std::vector<double>& Comparison::values(
    const std::string& method, const std::string& task) const {
  return this->method(method).values[index(task)];
}

Comparison::Spread Comparison::spread(
    const std::string& method, const std::string& task) const {
  return spread_of(values(method, task));
}

std::vector<double> Comparison::delta_m(const std::string& method) const {
  const auto& own = this->method(method).values;
  const auto& others = methods_.front().values;
  const std::set<std::string> absent(left_out_.begin(), left_out_.end());
  std::vector<double> by_seed;
  for (size_t s = 0; s < seeds_.size(); ++s) {
    std::vector<double> values;
    std::vector<double> alone;
    std::vector<bool> higher_is_better;
    for (size_t t = 0; t < tasks_.size(); ++t) {
      if (!absent.contains(tasks_[t].name)) {
        values.push_back(own[t][s]);
        alone.push_back(others[t][s]);
        higher_is_better.push_back(tasks_[t].higher_is_better);
      }
    }
    by_seed.push_back(fit::delta_m(values, alone, higher_is_better));
  }
  return by_seed;
}

Comparison::Spread Comparison::delta_m_spread(const std::string& method) const {
  return spread_of(delta_m(method));
}

} // namespace polytask::fit
