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
}

double TemperatureSampler::temperature() const {
  if (draws() >= options_.anneal_draws()) {
    return options_.final_temperature();
  }
  const double share = static_cast<double>(draws()) /
      static_cast<double>(options_.anneal_draws());
  return options_.temperature() +
      share * (options_.final_temperature() - options_.temperature());
}

void TemperatureSampler::bind() {
  by_task_ = by_task(sizes_);
}

int64_t TemperatureSampler::draw() {
  std::vector<double> numbers = by_task_;
  const double largest = *std::max_element(numbers.begin(), numbers.end());
  for (double& number : numbers) {
    // Relative to the largest, so that no power overflows.
    number = std::pow(number / largest, 1 / temperature());
  }
  return draw_proportionally(numbers);
}

} // namespace polytask
