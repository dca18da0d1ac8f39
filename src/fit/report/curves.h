// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <polytask/fit/history.h>

namespace polytask::fit::detail {

/// One value over time, with the places of its records in the history.
struct ReportCurve {
  std::string split;
  std::string name; // "<task>/loss"
  std::vector<uint32_t> records;
  std::vector<double> values;

  size_t size() const {
    return values.size();
  }
};

/// All curves in the order in which they came, in one pass over the history.
std::vector<ReportCurve> curves_of(const History& history);

/// The place of a curve's best value; none where no value is a finite number.
std::optional<size_t> best_place(
    const ReportCurve& curve, bool higher_is_better);

/// Places of about `count` values at most: the first and the last, and of each
/// stretch between the least, the greatest, and one that is not finite.
std::vector<size_t> thinned(const ReportCurve& curve, size_t count);

} // namespace polytask::fit::detail
