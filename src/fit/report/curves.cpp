// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/curves.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace polytask::fit::detail {

std::vector<ReportCurve> curves_of(const History& history) {
  std::vector<ReportCurve> curves;
  struct Split {
    std::unordered_map<std::string, size_t> places;
    // Most records name the same values in the same order as the one before.
    std::vector<size_t> last;
  };
  std::unordered_map<std::string, Split> splits;
  for (size_t i = 0; i < history.records().size(); ++i) {
    const HistoryRecord& record = history.records()[i];
    Split& split = splits[record.split];
    for (size_t k = 0; k < record.values.size(); ++k) {
      const auto& [name, value] = record.values[k];
      if (k >= split.last.size() || curves[split.last[k]].name != name) {
        const auto [known, is_new] = split.places.emplace(name, curves.size());
        if (is_new) {
          curves.push_back({record.split, name, {}, {}});
        }
        split.last.resize(std::max(split.last.size(), k + 1), known->second);
        split.last[k] = known->second;
      }
      ReportCurve& curve = curves[split.last[k]];
      curve.records.push_back(static_cast<uint32_t>(i));
      curve.values.push_back(value);
    }
  }
  return curves;
}

std::optional<size_t> best_place(
    const ReportCurve& curve, bool higher_is_better) {
  std::optional<size_t> best;
  for (size_t i = 0; i < curve.size(); ++i) {
    const double value = curve.values[i];
    if (std::isfinite(value) &&
        (!best ||
         (higher_is_better ? value > curve.values[*best]
                           : value < curve.values[*best]))) {
      best = i;
    }
  }
  return best;
}

std::vector<size_t> thinned(const ReportCurve& curve, size_t count) {
  const size_t size = curve.size();
  std::vector<size_t> places;
  if (size <= std::max<size_t>(count, 4)) {
    places.resize(size);
    std::iota(places.begin(), places.end(), size_t{0});
    return places;
  }
  const size_t stretches = std::max<size_t>(count / 2, 1);
  for (size_t s = 0; s < stretches; ++s) {
    const size_t begin = s * size / stretches;
    const size_t end = (s + 1) * size / stretches;
    std::optional<size_t> least;
    std::optional<size_t> greatest;
    std::optional<size_t> gap;
    for (size_t i = begin; i < end; ++i) {
      const double value = curve.values[i];
      if (!std::isfinite(value)) {
        gap = i;
        continue;
      }
      if (!least || value < curve.values[*least]) {
        least = i;
      }
      if (!greatest || value > curve.values[*greatest]) {
        greatest = i;
      }
    }
    std::vector<size_t> kept;
    for (const auto& place : {least, greatest, gap}) {
      if (place) {
        kept.push_back(*place);
      }
    }
    if (s == 0) {
      kept.push_back(0);
    }
    if (s + 1 == stretches) {
      kept.push_back(size - 1);
    }
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    places.insert(places.end(), kept.begin(), kept.end());
  }
  return places;
}

} // namespace polytask::fit::detail
