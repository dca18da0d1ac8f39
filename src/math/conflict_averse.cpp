// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/conflict_averse.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "growing_cholesky.h"
#include "hull_scaling.h"
#include "rounding_tolerance.h"

namespace polytask::math {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// argmin of f(y) = pulls^T y + c |g(y)| over y >= 0 with shares^T y = 1, where
// pulls are the cosines of the rows with their mean, so that f is F divided by
// |g_0| and by the length of the shortest row. Rows have components of their
// own (see own_component), which are in the hull's matrices.
//
// Each round minimises f over the affine hull of a set of members, or as far
// as y >= 0 lets it; then the row at which f falls fastest joins.
class ConflictAverseProblem {
 public:
  ConflictAverseProblem(
      const HullScaling& hull, const Vector& pulls, double c, double own)
      : hull_(hull),
        pulls_(pulls),
        c_(c),
        own_(own),
        factor_(hull.hessian),
        y_(pulls.size(), 0.0),
        nearest_(pulls.size()),
        drift_(pulls.size()),
        products_(pulls.size()),
        refused_(pulls.size(), 0) {}

  const Vector& minimize();

 private:
  int64_t best_row() const;
  void minimize_on_face();
  bool solve_face();
  int64_t steepest(RoundingTolerance& tolerance);

  const HullScaling& hull_;
  const Vector& pulls_;
  double c_;
  double own_;
  GrowingCholesky factor_;
  Vector y_;
  // By position among the members. The minimum over the affine hull of
  // 1/2 |g(y)|^2 + t pulls^T y is at nearest + t drift.
  Vector nearest_;
  Vector drift_;
  double t_ = 0;
  Vector products_;
  std::vector<char> refused_;
};

int64_t ConflictAverseProblem::best_row() const {
  int64_t best = 0;
  double best_value = kInfinity;
  for (size_t i = 0; i < y_.size(); ++i) {
    const double length = hull_.rows.norms[i] > 0 ? 1 : 0;
    const double value = (pulls_[i] + c_ * length) / hull_.shares[i];
    if (value < best_value) {
      best_value = value;
      best = static_cast<int64_t>(i);
    }
  }
  return best;
}

const Vector& ConflictAverseProblem::minimize() {
  const int64_t first = best_row();
  factor_.append(first);
  y_[first] = 1 / hull_.shares[first];
  if (c_ == 0) {
    return y_;
  }
  RoundingTolerance tolerance(hull_.hessian.size());
  for (;;) {
    minimize_on_face();
    const int64_t index = steepest(tolerance);
    if (index < 0) {
      return y_;
    }
    refused_[index] = 1;
    if (factor_.append(index)) {
      minimize_on_face();
      if (factor_.contains(index)) {
        std::ranges::fill(refused_, 0);
      }
    }
  }
}

// The minimum of f over the affine hull of the members, as nearest_ + t drift_:
// there |g| = c t. As g(nearest) and g(drift) are orthogonal, this is
// |g(nearest)|^2 = (c^2 - |g(drift)|^2) t^2. False where f falls forever along
// drift.
bool ConflictAverseProblem::solve_face() {
  const auto& members = factor_.members();
  factor_.solve(hull_.shares, nearest_);
  factor_.solve(pulls_, drift_);
  double total = 0;
  double shift = 0;
  double squares = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    total += hull_.shares[members[i]] * nearest_[i];
    shift += hull_.shares[members[i]] * drift_[i];
  }
  double slope = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    nearest_[i] /= total;
    drift_[i] = nearest_[i] * shift - drift_[i];
    squares += nearest_[i] * nearest_[i];
    slope -= pulls_[members[i]] * drift_[i];
  }
  if (members.size() == 1) {
    drift_[0] = 0;
    slope = 0;
  }
  // Never less than what the rows' own components make it.
  const double distance = std::max(1 / total - 1, own_ * squares);
  const double excess = c_ * c_ - slope;
  if (excess <= 64 * kEpsilon * std::min(c_ * c_, 1.0)) {
    return false;
  }
  t_ = std::sqrt(distance / excess);
  return true;
}

void ConflictAverseProblem::minimize_on_face() {
  for (;;) {
    const bool bounded = solve_face();
    const auto& members = factor_.members();
    double step = bounded ? 1 : kInfinity;
    auto leaving = members.size();
    for (size_t i = 0; i < members.size(); ++i) {
      const double y = y_[members[i]];
      // `drift_` becomes the direction to move in.
      if (bounded) {
        drift_[i] = nearest_[i] + t_ * drift_[i] - y;
      }
      if (drift_[i] < 0 && y <= step * -drift_[i]) {
        step = y / -drift_[i];
        leaving = i;
      }
    }
    if (leaving == members.size() && !bounded) {
      return;
    }
    for (size_t i = 0; i < members.size(); ++i) {
      double& y = y_[members[i]];
      y = std::max(y + step * drift_[i], 0.0);
    }
    if (leaving == members.size()) {
      return;
    }
    y_[members[leaving]] = 0;
    factor_.remove(leaving);
  }
}

int64_t ConflictAverseProblem::steepest(RoundingTolerance& tolerance) {
  std::ranges::fill(products_, 0.0);
  double scale = t_;
  for (const int64_t member : factor_.members()) {
    const std::span<const double> row = hull_.rows.cosines.row(member);
    for (size_t i = 0; i < products_.size(); ++i) {
      products_[i] += row[i] * y_[member];
    }
    scale += y_[member];
  }
  double multiplier = 0;
  for (const int64_t member : factor_.members()) {
    multiplier += y_[member] * (products_[member] + t_ * pulls_[member]);
  }
  int64_t best = -1;
  double steepest = -tolerance.next() * scale;
  for (size_t i = 0; i < products_.size(); ++i) {
    const double slope =
        products_[i] + t_ * pulls_[i] - multiplier * hull_.shares[i];
    const auto index = static_cast<int64_t>(i);
    if (slope < steepest && refused_[i] == 0 && !factor_.contains(index)) {
      steepest = slope;
      best = index;
    }
  }
  return best;
}

} // namespace

Vector conflict_averse_point(const Matrix& gramian, double c) {
  TORCH_CHECK_VALUE(
      c >= 0, "conflict_averse_point: expected c >= 0, but got ", c, ".");
  const int64_t size = gramian.size();
  const double own = own_component(gramian);
  HullScaling hull = scale_hull(gramian);
  for (int64_t i = 0; i < size; ++i) {
    hull.rows.cosines(i, i) += own;
    hull.hessian(i, i) += own;
  }
  const Vector& norms = hull.rows.norms;
  // The products of directions with the sum of the rows.
  Vector pulls(size, 0.0);
  double squared = 0;
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      pulls[i] += hull.rows.cosines(i, j) * norms[j];
    }
    squared += norms[i] * pulls[i];
  }
  if (!(squared > 0)) {
    return Vector(size, 1 / static_cast<double>(size));
  }
  for (double& pull : pulls) {
    pull /= std::sqrt(squared);
  }
  ConflictAverseProblem problem(hull, pulls, c, own);
  return simplex_weights(hull, problem.minimize());
}

} // namespace polytask::math
