// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "plain_adam.h"

#include <cmath>

#include "core/multiversion.h"

namespace polytask::optim::detail {

namespace {

template <bool kDecays, bool kKeepsGreatest, typename Scalar>
POLYTASK_KERNEL void adam_loop(
    const AdamArrays<Scalar>& arrays, const AdamStep& step) {
  Scalar* const parameter = arrays.parameter;
  const Scalar* const gradient = arrays.gradient;
  Scalar* const average = arrays.average;
  Scalar* const square = arrays.square;
  Scalar* const greatest = arrays.greatest_square;
  const auto towards = static_cast<Scalar>(1 - step.beta1);
  const auto beta2 = static_cast<Scalar>(step.beta2);
  const auto share = static_cast<Scalar>(1 - step.beta2);
  const auto root = static_cast<Scalar>(step.correction2_root);
  const auto eps = static_cast<Scalar>(step.eps);
  const auto size = static_cast<Scalar>(step.rate / step.correction1);
  const auto added = static_cast<Scalar>(step.decays_apart ? 0 : step.decay);
  const auto kept =
      static_cast<Scalar>(step.decays_apart ? 1 - step.rate * step.decay : 1);
#pragma omp simd
  for (int64_t i = 0; i < arrays.count; ++i) {
    Scalar slope = gradient[i];
    Scalar value = parameter[i];
    if constexpr (kDecays) {
      slope += added * value;
      value *= kept;
    }
    average[i] += towards * (slope - average[i]);
    square[i] = beta2 * square[i] + share * slope * slope;
    Scalar used = square[i];
    if constexpr (kKeepsGreatest) {
      greatest[i] = used = greatest[i] >= used ? greatest[i] : used; // NaN too
    }
    parameter[i] = value - size * average[i] / (std::sqrt(used) / root + eps);
  }
}

template <typename Scalar>
POLYTASK_KERNEL void plain_adam_body(
    const AdamArrays<Scalar>& arrays, const AdamStep& step) {
  const bool decays = step.decay != 0;
  if (arrays.greatest_square != nullptr) {
    decays ? adam_loop<true, true>(arrays, step)
           : adam_loop<false, true>(arrays, step);
  } else {
    decays ? adam_loop<true, false>(arrays, step)
           : adam_loop<false, false>(arrays, step);
  }
}

using polytask::detail::instruction_set;
using polytask::detail::InstructionSet;

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
