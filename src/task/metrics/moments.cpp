// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/metrics/moments.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "task/metrics/scored_labels.h"

namespace polytask::detail {

namespace {

constexpr int64_t kMomentWeight = 0;
// Where the variables begin; each has a pivot, a mean and squares.
constexpr int64_t kFirstMoments = 1;
constexpr int64_t kSecondMoments = 4;
constexpr int64_t kCrossMoment = 7;

// The largest that counts: one of them, so that constants are 0 from there.
at::Tensor pivot_of(const at::Tensor& x, const at::Tensor& counts) {
  if (!counts.defined()) {
    return x.amax(0);
  }
  const at::Tensor top =
      x.masked_fill(
           counts.logical_not(), -std::numeric_limits<double>::infinity())
          .amax(0);
  return top.masked_fill(counts.any(0).logical_not(), 0);
}

at::Tensor mean_or_zero(const at::Tensor& sum, const at::Tensor& weight) {
  return (sum / weight).masked_fill(weight.eq(0), 0);
}

struct Centred {
  at::Tensor pivot;
  at::Tensor mean;   // from the pivot
  at::Tensor values; // from the mean
};

Centred centred(
    const at::Tensor& x, const at::Tensor& weights, const at::Tensor& weight) {
  const at::Tensor pivot =
      pivot_of(x, weights.defined() ? weights.gt(0) : weights);
  const at::Tensor from_pivot = x - pivot;
  const at::Tensor mean =
      mean_or_zero(column_sums(from_pivot, weights), weight);
  return {pivot, mean, from_pivot - mean};
}

} // namespace

at::Tensor moments(const at::Tensor& x, const at::Tensor& weights) {
  if (x.size(0) == 0) {
    return at::zeros({kSecondMoments, x.size(1)}, x.options());
  }
  const at::Tensor weight = column_weights(x, weights);
  const auto [pivot, mean, values] = centred(x, weights, weight);
  return at::stack(
      {weight, pivot, mean, column_sums(values.square(), weights)});
}

at::Tensor moments(
    const at::Tensor& x, const at::Tensor& y, const at::Tensor& weights) {
  if (x.size(0) == 0) {
    return at::zeros({kCrossMoment + 1, x.size(1)}, x.options());
  }
  const at::Tensor weight = column_weights(x, weights);
  const Centred a = centred(x, weights, weight);
  const Centred b = centred(y, weights, weight);
  return at::stack(
      {weight,
       a.pivot,
       a.mean,
       column_sums(a.values.square(), weights),
       b.pivot,
       b.mean,
       column_sums(b.values.square(), weights),
       column_sums(a.values * b.values, weights)});
}

at::Tensor merged_moments(const std::vector<at::Tensor>& parts) {
  if (parts.size() == 1) {
    return parts[0];
  }
  const at::Tensor all = at::stack(parts, 1);    // [n, S, k]
  const at::Tensor weights = all[kMomentWeight]; // [S, k]
  const at::Tensor weight = weights.sum(0);
  std::vector<at::Tensor> merged = {weight};
  std::vector<at::Tensor> distances;
  for (int64_t begin = kFirstMoments; begin + 2 < all.size(0);
       begin += kSecondMoments - kFirstMoments) {
    const at::Tensor pivot = pivot_of(all[begin], weights.ne(0));
    const at::Tensor means =
        (all[begin] - pivot + all[begin + 1]).masked_fill(weights.eq(0), 0);
    const at::Tensor mean = mean_or_zero((weights * means).sum(0), weight);
    distances.push_back(means - mean);
    merged.insert(
        merged.end(),
        {pivot,
         mean,
         all[begin + 2].sum(0) + (weights * distances.back().square()).sum(0)});
  }
  if (all.size(0) > kCrossMoment) {
    merged.push_back(
        all[kCrossMoment].sum(0) +
        (weights * distances[0] * distances[1]).sum(0));
  }
  return at::stack(merged);
}

MomentsView view_moments(const at::Tensor& moments) {
  return {
      moments[kMomentWeight],
      moments[kFirstMoments] + moments[kFirstMoments + 1],
      moments[kFirstMoments + 2]};
}

at::Tensor correlation(const at::Tensor& moments) {
  // The roots one by one: their product may leave the range of double.
  const at::Tensor r = moments[kCrossMoment] /
      moments[kFirstMoments + 2].sqrt() / moments[kSecondMoments + 2].sqrt();
  return r.clamp(-1, 1);
}

at::Tensor second_varies(const at::Tensor& moments) {
  return moments[kSecondMoments + 2].gt(0);
}

} // namespace polytask::detail
