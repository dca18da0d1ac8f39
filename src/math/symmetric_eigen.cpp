// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/symmetric_eigen.h>

#include <c10/util/Exception.h>
#include <Eigen/Eigenvalues>

namespace polytask::math {

SymmetricEigen symmetric_eigen(const Matrix& matrix) {
  using RowMajor =
      Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const int64_t size = matrix.size();
  const Eigen::Map<const RowMajor> view(matrix.data(), size, size);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(view);
  TORCH_CHECK(
      solver.info() == Eigen::Success,
      "symmetric_eigen: no convergence. Are all values finite?");
  SymmetricEigen result{Vector(size), Matrix(size)};
  Eigen::Map<Eigen::VectorXd>(result.values.data(), size) =
      solver.eigenvalues();
  Eigen::Map<RowMajor>(result.vectors.data(), size, size) =
      solver.eigenvectors();
  return result;
}

} // namespace polytask::math
