// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include <polytask/fit/history.h>

namespace polytask::fit::detail {

struct AxisTick {
  double value = 0;
  std::string label;
};

/// From which value to which a chart goes, and where its lines are.
class ValueAxis {
 public:
  /// Of these finite numbers; logarithmic where they are positive and the
  /// greatest is over 30 times the least.
  static ValueAxis of(double least, double greatest);

  bool is_logarithmic() const {
    return is_logarithmic_;
  }
  /// From 0, the lower end, to 1.
  double part(double value) const;
  const std::vector<AxisTick>& ticks() const {
    return ticks_;
  }

 private:
  bool is_logarithmic_ = false;
  double from_ = 0; // of the logarithm, if so
  double to_ = 1;
  std::vector<AxisTick> ticks_;
};

/// Time as epochs where all epochs have the same number of steps, else as
/// steps.
class TimeAxis {
 public:
  explicit TimeAxis(const History& history);

  const char* label() const {
    return is_of_epochs_ ? "epoch" : "step";
  }
  /// From 0 to 1.
  double part(const HistoryRecord& record) const;
  const std::vector<AxisTick>& ticks() const {
    return ticks_;
  }
  /// Of a tick, from 0 to 1.
  double part(const AxisTick& tick) const;

 private:
  bool is_of_epochs_ = false;
  double steps_ = 1; // in a unit of the axis
  double from_ = 0;  // units
  double to_ = 1;
  std::vector<AxisTick> ticks_;
};

} // namespace polytask::fit::detail
