// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "has_nan.h"

namespace polytask::detail {

namespace {

// All of them, so that the loop has no branch.
template <typename Scalar>
bool has_nan_in(const Scalar* values, int64_t size) {
  int found = 0;
#pragma omp simd reduction(| : found)
  for (int64_t i = 0; i < size; ++i) {
    found |= values[i] != values[i] ? 1 : 0;
  }
  return found != 0;
}

} // namespace

bool has_nan(const float* values, int64_t size) {
  return has_nan_in(values, size);
}

bool has_nan(const double* values, int64_t size) {
  return has_nan_in(values, size);
}

} // namespace polytask::detail
