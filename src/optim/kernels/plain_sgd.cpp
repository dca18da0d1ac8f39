// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "plain_sgd.h"

#include "core/multiversion.h"

namespace polytask::optim::detail {

namespace {

// Where there is one, a product and a sum are one instruction, as in LibTorch.
template <typename Scalar>
POLYTASK_KERNEL void plain_sgd_body(
    Scalar* parameter,
    const Scalar* gradient,
    int64_t count,
    double rate,
    double decay) {
  const auto step = static_cast<Scalar>(rate);
  if (decay == 0) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
      parameter[i] = parameter[i] - step * gradient[i];
    }
    return;
  }
  const auto shrink = static_cast<Scalar>(decay);
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const Scalar slope = gradient[i] + shrink * parameter[i];
    parameter[i] = parameter[i] - step * slope;
  }
}

} // namespace

POLYTASK_MULTIVERSION(
    void,
    plain_sgd,
    plain_sgd_body,
    (float* parameter,
     const float* gradient,
     int64_t count,
     double rate,
     double decay),
    (parameter, gradient, count, rate, decay))

POLYTASK_MULTIVERSION(
    void,
    plain_sgd,
    plain_sgd_body,
    (double* parameter,
     const double* gradient,
     int64_t count,
     double rate,
     double decay),
    (parameter, gradient, count, rate, decay))

} // namespace polytask::optim::detail
