// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// The eigenvectors of a symmetric matrix [size, size], each in a row in its
/// place, and their eigenvalues, ascending. By LAPACK's dsyevd.
void eigen(double* matrix, int64_t size, double* eigenvalues);

} // namespace polytask::detail
