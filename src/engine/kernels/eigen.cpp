// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "eigen.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <vector>

#if POLYTASK_HAS_BLAS
extern "C" void dsyevd_(
    const char*,
    const char*,
    const int*,
    double*,
    const int*,
    double*,
    double*,
    const int*,
    int*,
    const int*,
    int*);
#else
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linalg_eigh.h>
#endif

namespace polytask::detail {

#if POLYTASK_HAS_BLAS
void eigen(double* matrix, int64_t size, double* eigenvalues) {
  const char vectors = 'V';
  const char triangle = 'U';
  const int n = static_cast<int>(size);
  const int space_size = 1 + 6 * n + 2 * n * n;
  const int integer_size = 3 + 5 * n;
  std::vector<double> space(static_cast<size_t>(space_size));
  std::vector<int> integers(static_cast<size_t>(integer_size));
  int info = 0;
  // LAPACK's columns are our rows.
  dsyevd_(
      &vectors,
      &triangle,
      &n,
      matrix,
      &n,
      eigenvalues,
      space.data(),
      &space_size,
      integers.data(),
      &integer_size,
      &info);
  TORCH_CHECK(info == 0, "eigen: LAPACK's dsyevd gave ", info, ".");
}
#else
void eigen(double* matrix, int64_t size, double* eigenvalues) {
  const at::Tensor whole = at::from_blob(matrix, {size, size}, at::kDouble);
  const auto [values, vectors] = at::linalg_eigh(whole);
  whole.copy_(vectors.t());
  at::from_blob(eigenvalues, {size}, at::kDouble).copy_(values);
}
#endif

} // namespace polytask::detail
