// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "plain_adam.h"

#include <cmath>

#include "core/multiversion.h"

namespace polytask::optim::detail {

namespace {

enum class Decay { kNone, kOfGradient };

template <Decay kDecay, bool kKeepsGreatest, typename Scalar>
POLYTASK_KERNEL void adam_loop(
    const AdamArrays<Scalar>& arrays, const AdamStep& step) {
  Scalar* const parameter = arrays.parameter;
  const Scalar* const gradient = arrays.gradient;
  Scalar* const average = arrays.average;
  Scalar* const square = arrays.square;
  Scalar* const greatest = arrays.greatest_square;
  const auto towards = static_cast<Scalar>(1 - step.beta1);
  const auto back = static_cast<Scalar>(step.beta1);
  const bool is_near = towards < Scalar(0.5); // as LibTorch's lerp
  const auto beta2 = static_cast<Scalar>(step.beta2);
  const auto share = static_cast<Scalar>(1 - step.beta2);
  const auto root = static_cast<Scalar>(step.correction2_root);
  const auto eps = static_cast<Scalar>(step.eps);
  const auto size = static_cast<Scalar>(step.rate / step.correction1);
  const auto added = static_cast<Scalar>(step.decay);
#pragma omp simd
  for (int64_t i = 0; i < arrays.count; ++i) {
    Scalar slope = gradient[i];
    const Scalar value = parameter[i];
    if constexpr (kDecay == Decay::kOfGradient) {
      slope += added * value;
    }
    const Scalar way = slope - average[i];
    average[i] = is_near ? average[i] + towards * way : slope - back * way;
    square[i] = beta2 * square[i] + share * slope * slope;
    Scalar used = square[i];
    if constexpr (kKeepsGreatest) {
      greatest[i] = used = greatest[i] >= used ? greatest[i] : used; // NaN too
    }
    parameter[i] = value - size * average[i] / (std::sqrt(used) / root + eps);
  }
}

template <Decay kDecay, typename Scalar>
POLYTASK_KERNEL void adam_with(
    const AdamArrays<Scalar>& arrays, const AdamStep& step) {
  if (arrays.greatest_square != nullptr) {
    adam_loop<kDecay, true>(arrays, step);
  } else {
    adam_loop<kDecay, false>(arrays, step);
  }
}

template <typename Scalar>
POLYTASK_KERNEL void plain_adam_body(
    const AdamArrays<Scalar>& arrays, const AdamStep& step) {
  if (step.decay == 0) {
    adam_with<Decay::kNone>(arrays, step);
  } else if (step.decays_apart) {
    // Rounded by itself, as LibTorch does.
    const auto kept = static_cast<Scalar>(1 - step.rate * step.decay);
    for (int64_t i = 0; i < arrays.count; ++i) {
      arrays.parameter[i] *= kept;
    }
    adam_with<Decay::kNone>(arrays, step);
  } else {
    adam_with<Decay::kOfGradient>(arrays, step);
  }
}

} // namespace

POLYTASK_MULTIVERSION(
    void,
    plain_adam,
    plain_adam_body,
    (const AdamArrays<float>& arrays, const AdamStep& step),
    (arrays, step))

POLYTASK_MULTIVERSION(
    void,
    plain_adam,
    plain_adam_body,
    (const AdamArrays<double>& arrays, const AdamStep& step),
    (arrays, step))

} // namespace polytask::optim::detail
