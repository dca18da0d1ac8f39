// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/config.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/zeros.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/host_value.h"
#include "core/in_double.h"
#include "core/rounding.h"

#include "../checks.h"
#include "../describe.h"
#include "../host.h"

namespace polytask::balancing {

namespace {

/// Singular values of unit rows up to here are rounding, of the rows or of
/// products and factors in double.
double config_rank_tolerance(at::ScalarType type, size_t tasks) {
  const auto count = static_cast<double>(tasks);
  return std::max(
      4 * polytask::detail::rounding_of(type) * std::sqrt(count),
      4e-15 * count);
}

/// 1 / σ; from four tolerances down to one it falls to 0, without a step.
double config_inverse(double value, double tolerance) {
  const double above = std::clamp((value / tolerance - 1) / 3, 0.0, 1.0);
  return value > tolerance ? above * above * (3 - 2 * above) / value : 0;
}

/// β = (U Uᵀ)⁻¹ p for unit rows; nothing where that loses more than about six
/// digits, or rows depend on each other to their rounding.
std::optional<Eigen::VectorXd> config_shares(
    const Eigen::MatrixXd& cosines,
    const Eigen::VectorXd& preference,
    double tolerance) {
  const double worst = std::max(1e-6, 16 * tolerance * tolerance);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(cosines);
  const auto& values = solver.eigenvalues();
  if (!(values[0] > worst * values[values.size() - 1])) {
    return std::nullopt;
  }
  const auto& vectors = solver.eigenvectors();
  const Eigen::VectorXd rotated =
      (vectors.transpose() * preference).cwiseQuotient(values);
  return vectors * rotated;
}

/// v = U⁺ p = Q (Rᵀ)⁺ p for Uᵀ = Q R: the rows' condition is not squared.
at::Tensor config_least_squares(
    const at::Tensor& jacobian,
    const math::Vector& lengths,
    const std::vector<double>& preference) {
  const double tolerance =
      config_rank_tolerance(jacobian.scalar_type(), lengths.size());
  math::Vector inverse(lengths.size());
  for (size_t task = 0; task < lengths.size(); ++task) {
    inverse[task] = lengths[task] > 0 ? 1 / lengths[task] : 0;
  }
  const at::Tensor rows = polytask::detail::in_double(jacobian);
  const at::Tensor unit = rows *
      polytask::detail::host_vector(inverse, rows.options()).unsqueeze(1);
  const auto [q, r] = at::linalg_qr(unit.t());
  const auto [left, values, right] =
      at::linalg_svd(r.t().to(at::kCPU), /*full_matrices=*/false);
  const at::Tensor wanted =
      polytask::detail::host_vector(preference, at::kDouble);
  const auto parts = polytask::detail::host_values(at::mv(left.t(), wanted));
  auto filtered = polytask::detail::host_values(values);
  double smallest = 1;
  double missed = 0;
  double length = 0;
  for (const double value : preference) {
    missed += value * value;
  }
  for (size_t k = 0; k < filtered.size(); ++k) {
    const double factor = config_inverse(filtered[k], tolerance);
    if (factor > 0) {
      smallest = std::min(smallest, filtered[k]);
      missed -= parts[k] * parts[k];
    }
    filtered[k] = factor * parts[k];
    length += filtered[k] * filtered[k];
  }
  length = std::sqrt(length);
  const at::Tensor v = at::mv(
      q,
      at::mv(right.t(), polytask::detail::host_vector(filtered, at::kDouble))
          .to(rows.device()));
  // By how much the rows' rounding turns v: the change of a pseudoinverse.
  const double turned = tolerance *
      (length / smallest +
       std::sqrt(std::max(missed, 0.0)) / (smallest * smallest));
  const double squares = std::pow(length, 4) + std::pow(turned, 4);
  const double factor = squares > 0 ? length * length / squares : 0;
  return (at::mv(rows, v).sum() * factor * v).to(jacobian.options());
}

} // namespace

ConFIG::ConFIG(ConFIGOptions options) : options_(std::move(options)) {
  check_options();
}

const detail::Description& ConFIG::description() {
  using namespace detail;
  static const Description made =
      Describe<ConFIGOptions>("config", "ConFIG")
          .option(
              "preference",
              &ConFIGOptions::preference,
              at_least(0),
              "p [T], the wanted proportions of the cosines")
          .or_by("pref_vector")
          .otherwise("1 for each")
          .made_of(&ConFIG::options_);
  return made;
}

void ConFIG::check_tasks(int64_t tasks) const {
  if (!options_.preference().empty()) {
    detail::check_preference(
        options_.preference(), tasks, name(), "preferences", true);
  }
}

at::Tensor ConFIG::combine(
    const at::Tensor& jacobian, const Extras& /*extras*/) {
  const math::Matrix gramian = detail::host_gramian(jacobian);
  const auto count = static_cast<size_t>(tasks());
  const std::vector<double> preference = options_.preference().empty()
      ? std::vector<double>(count, 1.0)
      : of_present(options_.preference());
  math::Vector lengths(count);
  std::vector<int64_t> active;
  for (int64_t task = 0; task < tasks(); ++task) {
    lengths[static_cast<size_t>(task)] = std::sqrt(gramian(task, task));
    if (gramian(task, task) > 0) {
      active.push_back(task);
    }
  }
  math::Vector weights(count, 0.0);
  if (active.empty()) {
    return detail::weighted_sum(weights, jacobian);
  }
  if (count == 2 && active.size() == 2 && preference[0] == preference[1]) {
    for (size_t task = 0; task < 2; ++task) {
      weights[task] = (lengths[0] + lengths[1]) / (2 * lengths[task]);
    }
    return detail::weighted_sum(weights, jacobian);
  }
  const auto size = static_cast<Eigen::Index>(active.size());
  Eigen::MatrixXd cosines(size, size);
  Eigen::VectorXd wanted(size);
  Eigen::VectorXd norms(size);
  for (Eigen::Index i = 0; i < size; ++i) {
    const int64_t task = active[static_cast<size_t>(i)];
    wanted[i] = preference[static_cast<size_t>(task)];
    norms[i] = lengths[static_cast<size_t>(task)];
    for (Eigen::Index j = 0; j <= i; ++j) {
      const int64_t other = active[static_cast<size_t>(j)];
      cosines(i, j) = cosines(j, i) =
          gramian(task, other) / norms[i] / lengths[static_cast<size_t>(other)];
    }
  }
  const auto shares = config_shares(
      cosines,
      wanted,
      config_rank_tolerance(jacobian.scalar_type(), active.size()));
  if (!shares) {
    return config_least_squares(jacobian, lengths, preference);
  }
  // |v|² = βᵀ C β and g_k · v = |g_k| (C β)_k.
  const Eigen::VectorXd products = cosines * *shares;
  const double square = std::max(shares->dot(products), 1e-24);
  for (Eigen::Index i = 0; i < size; ++i) {
    weights[static_cast<size_t>(active[static_cast<size_t>(i)])] =
        norms.dot(products) / square * (*shares)[i] / norms[i];
  }
  return detail::weighted_sum(weights, jacobian);
}

} // namespace polytask::balancing
