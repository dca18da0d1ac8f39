// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace polytask::fit::detail {

namespace {

// "1e-5" instead of "1e-05".
std::string tick_label(double value) {
  std::string label = fmt::format("{:.6g}", value);
  const size_t power = label.find('e');
  if (power != std::string::npos) {
    const bool is_negative = label[power + 1] == '-';
    const size_t digits = label.find_first_not_of("+-0", power + 1);
    label = label.substr(0, power + 1) + (is_negative ? "-" : "") +
        label.substr(digits);
  }
  return label;
}

// The nearest of 1, 2 or 5 times a power of ten.
double round_step(double about) {
  const double power = std::pow(10.0, std::floor(std::log10(about)));
  const double factor = about / power;
  return power * (factor < 1.5 ? 1 : factor < 3.3 ? 2 : factor < 7 ? 5 : 10);
}

std::vector<AxisTick> even_ticks(double from, double to, double count) {
  const double step = round_step((to - from) / count);
  std::vector<AxisTick> ticks;
  const double first = std::ceil(from / step - 1e-9);
  for (double i = first; i * step <= to + step * 1e-9; ++i) {
    ticks.push_back({i * step, tick_label(i * step)});
  }
  return ticks;
}

std::vector<AxisTick> power_ticks(double from, double to) {
  const double powers = to - from;
  const double every = std::max(1.0, std::ceil(powers / 5));
  std::vector<AxisTick> ticks;
  for (double power = std::floor(from); power <= to; power += every) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, power);
      const double place = std::log10(value);
      if ((factor == 1 || powers < 2) && place >= from - 1e-9 &&
          place <= to + 1e-9) {
        ticks.push_back({value, tick_label(value)});
      }
    }
  }
  return ticks;
}

// "20k" instead of 20000.
std::string count_label(double value) {
  return value >= 1e6 ? fmt::format("{:.4g}M", value / 1e6)
      : value >= 1e4  ? fmt::format("{:.4g}k", value / 1e3)
                      : fmt::format("{:.6g}", value);
}

} // namespace

ValueAxis ValueAxis::of(double least, double greatest) {
  constexpr double kTicks = 4;
  constexpr double kRatio = 30;
  constexpr double kMargin = 0.04;
  constexpr double kMost = 1e300; // differences of greater ones overflow
  least = std::clamp(least, -kMost, kMost);
  greatest = std::clamp(greatest, -kMost, kMost);
  ValueAxis axis;
  axis.is_logarithmic_ = least > 0 && greatest / least > kRatio;
  axis.from_ = axis.is_logarithmic_ ? std::log10(least) : least;
  axis.to_ = axis.is_logarithmic_ ? std::log10(greatest) : greatest;
  double range = axis.to_ - axis.from_;
  const double size = std::max(std::abs(axis.from_), std::abs(axis.to_));
  if (range <= 1e-9 * size) { // one value alone
    const double middle = axis.from_ + range / 2;
    range = size > 0 ? 0.2 * size : 1;
    axis.from_ = middle - range / 2;
    axis.to_ = middle + range / 2;
  }
  axis.from_ -= kMargin * range;
  axis.to_ += kMargin * range;
  axis.ticks_ = axis.is_logarithmic_ ? power_ticks(axis.from_, axis.to_)
                                     : even_ticks(axis.from_, axis.to_, kTicks);
  return axis;
}

double ValueAxis::part(double value) const {
  const double place = is_logarithmic_ ? std::log10(value) : value;
  return std::clamp((place - from_) / (to_ - from_), 0.0, 1.0);
}

TimeAxis::TimeAxis(const History& history) {
  const auto& records = history.records();
  if (records.empty()) {
    return;
  }
  int64_t first = records[0].step;
  int64_t last = first;
  const HistoryRecord* longest = nullptr; // the last one of training
  for (const auto& record : records) {
    first = std::min(first, record.step);
    last = std::max(last, record.step);
    if (record.split == "train" && record.epoch > 0) {
      longest = &record;
    }
  }
  if (longest) {
    steps_ = static_cast<double>(longest->step) /
        static_cast<double>(longest->epoch);
    is_of_epochs_ = steps_ >= 1 &&
        std::all_of(records.begin(), records.end(), [&](const auto& record) {
                      const double off = static_cast<double>(record.step) -
                          steps_ * static_cast<double>(record.epoch);
                      return record.split != "train" ||
                          std::abs(off) < 0.02 * static_cast<double>(last) + 1;
                    });
  }
  if (!is_of_epochs_) {
    steps_ = 1;
  }
  from_ = static_cast<double>(first) / steps_;
  to_ = static_cast<double>(last) / steps_;
  if (!(to_ > from_)) { // one moment, in the middle
    ticks_.push_back({from_, count_label(from_)});
    from_ -= 1;
    to_ += 1;
    return;
  }
  for (auto& tick : even_ticks(from_, to_, 5)) {
    if (tick.value >= 0 && tick.value == std::floor(tick.value)) {
      tick.label = count_label(tick.value);
      ticks_.push_back(std::move(tick));
    }
  }
}

double TimeAxis::part(const HistoryRecord& record) const {
  return std::clamp(
      (static_cast<double>(record.step) / steps_ - from_) / (to_ - from_),
      0.0,
      1.0);
}

double TimeAxis::part(const AxisTick& tick) const {
  return (tick.value - from_) / (to_ - from_);
}

} // namespace polytask::fit::detail
