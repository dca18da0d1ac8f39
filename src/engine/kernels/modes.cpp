// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "modes.h"

#include "core/multiversion.h"

namespace polytask::detail {

namespace {

constexpr int64_t kLanes = ModeColumn::kPadding;

template <bool kMove, bool kDecay, bool kMomentum>
POLYTASK_KERNEL double pass_modes(
    const ModeColumn& column, const ModeUpdate& update) {
  const double scale = column.scale;
  const double rate = update.learning_rate;
  const double weight = update.weight;
  const double decay = update.weight_decay;
  const double keep = update.first ? 0 : update.momentum;
  const double take = update.first ? 1 : 1 - update.dampening;
  const double direct = update.nesterov ? 1 : 0;
  const double through = update.nesterov ? update.momentum : 1;
  double sums[kLanes] = {};
  for (int64_t begin = 0; begin < column.modes; begin += kLanes) {
    const double* __restrict curvature = column.curvature + begin;
    const double* __restrict slope = column.slope + begin;
    const double* __restrict reference = column.reference + begin;
    double* __restrict u = column.u + begin;
    double* __restrict momentum = kMomentum ? column.momentum + begin : nullptr;
#pragma omp simd
    for (int64_t i = 0; i < kLanes; ++i) {
      const double k = scale * curvature[i];
      double at = u[i];
      if constexpr (kMove) {
        double gradient = weight * (k * at + slope[i]);
        if constexpr (kDecay) {
          gradient += decay * (reference[i] + at);
        }
        if constexpr (kMomentum) {
          const double moved = keep * momentum[i] + take * gradient;
          momentum[i] = moved;
          gradient = direct * gradient + through * moved;
        }
        at -= rate * gradient;
        u[i] = at;
      }
      sums[i] += at * (0.5 * k * at + slope[i]);
    }
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
      ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

POLYTASK_KERNEL double step_modes_body(
    const ModeColumn& column, const ModeUpdate& update) {
  if (column.momentum) {
    return update.weight_decay != 0
        ? pass_modes<true, true, true>(column, update)
        : pass_modes<true, false, true>(column, update);
  }
  return update.weight_decay != 0
      ? pass_modes<true, true, false>(column, update)
      : pass_modes<true, false, false>(column, update);
}

} // namespace

POLYTASK_MULTIVERSION(
    double,
    step_modes,
    step_modes_body,
    (const ModeColumn& column, const ModeUpdate& update),
    (column, update))

double modes_loss(const ModeColumn& column) {
  return pass_modes<false, false, false>(column, {});
}

} // namespace polytask::detail
