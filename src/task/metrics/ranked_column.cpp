// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/metrics/ranked_column.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sort.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "task/metrics/sorted_runs.h"

namespace polytask::detail {

namespace {

// The weights of labels of equal score, and of all with a higher one.
template <typename Number>
struct Ties {
  Number positive_before;
  Number negative_before;
  Number positive;
  Number negative;
};

// A score in the upper half, the place of its row in the lower: the highest
// score comes first.
uint64_t ranked_key(float score, size_t row) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0F); // -0 is 0
  const uint32_t ascending = (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
  return (static_cast<uint64_t>(~ascending) << 32) | row;
}

uint32_t score_of(uint64_t key) {
  return static_cast<uint32_t>(key >> 32);
}

// By their upper halves, in time that grows with their number alone.
void radix_sort(std::vector<uint64_t>& keys) {
  constexpr size_t kBits = 11;
  constexpr size_t kDigits = size_t{1} << kBits;
  constexpr std::array<size_t, 3> kShifts = {32, 32 + kBits, 32 + 2 * kBits};
  std::vector<std::array<size_t, kDigits>> places(kShifts.size());
  const auto digit = [&](uint64_t key, size_t pass) {
    return (key >> kShifts[pass]) & (kDigits - 1);
  };
  for (const uint64_t key : keys) {
    for (size_t pass = 0; pass < kShifts.size(); ++pass) {
      ++places[pass][digit(key, pass)];
    }
  }
  std::vector<uint64_t> sorted(keys.size());
  for (size_t pass = 0; pass < kShifts.size(); ++pass) {
    size_t next = 0;
    for (size_t& place : places[pass]) {
      next += std::exchange(place, next);
    }
    for (const uint64_t key : keys) {
      sorted[places[pass][digit(key, pass)]++] = key;
    }
    keys.swap(sorted);
  }
}

bool takes_quick_way(const RankedColumn& column) {
  return column.scores.device().is_cpu() &&
      column.scores.scalar_type() == at::kFloat &&
      column.scores.size(0) < std::numeric_limits<uint32_t>::max();
}

// Calls `visit` for the labels of each score, from the highest on; gives the
// sums of all.
template <typename Visit>
Ties<double> visit_ties(const RankedColumn& column, Visit visit) {
  const at::Tensor scores = column.scores.contiguous();
  const at::Tensor positive = column.positive.contiguous();
  const bool counts_once = column.weights.scalar_type() == at::kBool;
  const at::Tensor weights = counts_once
      ? column.weights.contiguous()
      : column.weights.to(at::kDouble).contiguous();
  const auto* score = scores.const_data_ptr<float>();
  const auto* is_positive = positive.const_data_ptr<bool>();
  const auto* counts = counts_once ? weights.const_data_ptr<bool>() : nullptr;
  const auto* weight = counts_once ? nullptr : weights.const_data_ptr<double>();
  std::vector<uint64_t> keys;
  keys.reserve(static_cast<size_t>(scores.size(0)));
  for (size_t i = 0; i < static_cast<size_t>(scores.size(0)); ++i) {
    if (counts_once ? counts[i] : weight[i] > 0) {
      // Without weights, a row's place does not matter, but its label.
      keys.push_back(ranked_key(
          score[i], counts_once ? static_cast<size_t>(is_positive[i]) : i));
    }
  }
  radix_sort(keys);
  Ties<double> ties{0, 0, 0, 0};
  for (size_t i = 0; i < keys.size();) {
    ties.positive = ties.negative = 0;
    const uint32_t same = score_of(keys[i]);
    for (; i < keys.size() && score_of(keys[i]) == same; ++i) {
      const auto low = static_cast<uint32_t>(keys[i]);
      const double w = counts_once ? 1 : weight[low];
      ((counts_once ? low != 0 : is_positive[low]) ? ties.positive
                                                   : ties.negative) += w;
    }
    visit(ties);
    ties.positive_before += ties.positive;
    ties.negative_before += ties.negative;
  }
  return ties;
}

// The same for each label in order of its score, on any device.
struct SortedLabels {
  at::Tensor positive; // weights [n]
  at::Tensor negative;
  Ties<at::Tensor> ties; // [n]
};

SortedLabels sorted_labels(const RankedColumn& column) {
  const auto [sorted, order] = at::sort(column.scores, 0, /*descending=*/true);
  const SortedRuns runs = sorted_runs(sorted);
  const at::Tensor weights =
      column.weights.to(at::kDouble).index_select(0, order);
  const at::Tensor is_positive = column.positive.index_select(0, order);
  const at::Tensor positive = weights * is_positive;
  const at::Tensor negative = weights * is_positive.logical_not();
  const auto before_and_of = [&](const at::Tensor& each) {
    const at::Tensor up_to = each.cumsum(0);
    const at::Tensor before = (up_to - each).index_select(0, runs.first);
    return std::pair(before, up_to.index_select(0, runs.last) - before);
  };
  const auto [positive_before, of_positive] = before_and_of(positive);
  const auto [negative_before, of_negative] = before_and_of(negative);
  return {
      positive,
      negative,
      {positive_before, negative_before, of_positive, of_negative}};
}

} // namespace

at::Tensor roc_auc(const RankedColumn& column) {
  if (takes_quick_way(column)) {
    double sum = 0;
    const auto all = visit_ties(column, [&](const Ties<double>& ties) {
      sum += ties.negative * (ties.positive_before + ties.positive / 2);
    });
    return at::scalar_tensor(
        sum / all.positive_before / all.negative_before, at::kDouble);
  }
  const auto [positive, negative, ties] = sorted_labels(column);
  return at::dot(negative, ties.positive_before + ties.positive / 2) /
      positive.sum() / negative.sum();
}

at::Tensor average_precision(const RankedColumn& column) {
  if (takes_quick_way(column)) {
    double sum = 0;
    const auto all = visit_ties(column, [&](const Ties<double>& ties) {
      const double met = ties.positive_before + ties.positive;
      // Not 0: all rows here have a weight.
      sum += ties.positive * met / (met + ties.negative_before + ties.negative);
    });
    return at::scalar_tensor(sum / all.positive_before, at::kDouble);
  }
  const auto [positive, negative, ties] = sorted_labels(column);
  const at::Tensor met = ties.positive_before + ties.positive;
  const at::Tensor chosen = met + ties.negative_before + ties.negative;
  return at::dot(positive, (met / chosen).masked_fill(chosen.eq(0), 0)) /
      positive.sum();
}

} // namespace polytask::detail
