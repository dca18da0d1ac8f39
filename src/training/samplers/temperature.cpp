// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/temperature.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace polytask {

namespace {

// An infinite one would give tasks of size 0 the weight 0^0 = 1.
bool is_temperature(double value) {
  return std::isfinite(value) && value > 0;
}

} // namespace

TemperatureSampler::TemperatureSampler(
    TaskNumbers sizes, TemperatureSamplerOptions options)
    : sizes_(std::move(sizes)), options_(options) {
  TORCH_CHECK_VALUE(
      is_temperature(options_.temperature()) &&
          is_temperature(options_.final_temperature()),
      "TemperatureSampler: expected positive, finite temperatures, but got ",
      options_.temperature(),
      " and ",
      options_.final_temperature(),
      ".");
  TORCH_CHECK_VALUE(
      options_.anneal_draws() >= 0,
      "TemperatureSampler: expected anneal_draws of at least 0, but got ",
      options_.anneal_draws(),
      ".");
  TORCH_CHECK_VALUE(
      options_.anneal_epochs() >= 0,
      "TemperatureSampler: expected anneal_epochs of at least 0, but got ",
      options_.anneal_epochs(),
      ".");
  TORCH_CHECK_VALUE(
      options_.anneal_draws() == 0 || options_.anneal_epochs() == 0,
      "TemperatureSampler: expected anneal_draws or anneal_epochs, but got "
      "both.");
}

double TemperatureSampler::temperature() const {
  const bool by_epoch = options_.anneal_epochs() > 0;
  const int64_t now = by_epoch ? epochs() : draws();
  const int64_t end =
      by_epoch ? options_.anneal_epochs() : options_.anneal_draws();
  if (now >= end) {
    return options_.final_temperature();
  }
  const double share = static_cast<double>(now) / static_cast<double>(end);
  return options_.temperature() +
      share * (options_.final_temperature() - options_.temperature());
}

void TemperatureSampler::bind() {
  by_task_ = by_task(sizes_);
}

int64_t TemperatureSampler::draw() {
  std::vector<double> numbers = by_task_;
  double largest = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    largest = takes_part()[i] ? std::max(largest, numbers[i]) : largest;
  }
  if (largest <= 0) {
    return kNobody;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    // Relative to the largest, so that no power overflows.
    numbers[i] =
        takes_part()[i] ? std::pow(numbers[i] / largest, 1 / temperature()) : 0;
  }
  return draw_proportionally(numbers);
}

} // namespace polytask
