// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian_balancing.h>

#include <c10/util/Exception.h>

#include <cmath>

#include <polytask/math/normalized_gramian.h>
#include "core/host_value.h"
#include "core/rounding.h"

#include "host.h"
#include "task_labels.h"

namespace polytask::balancing {

namespace {

// Products that were summed in the tensor's dtype may differ in the last bits.
double asymmetry_allowed(at::ScalarType type) {
  constexpr double kLastBits = 1 << 11;
  return type == at::kDouble ? 1e-10
                             : kLastBits * polytask::detail::rounding_of(type);
}

// Diverging networks, or products beyond the range of a double.
[[noreturn]] void refuse_product(
    const std::string& who, int64_t i, int64_t j, double product) {
  const auto label = [](int64_t task) {
    return detail::task_label(static_cast<size_t>(task));
  };
  const std::string whose = i == j
      ? "the gradient of " + label(i) + " has the squared length "
      : "the gradients of " + label(i) + " and " + label(j) +
          " have the inner product ";
  C10_THROW_ERROR(
      ValueError,
      c10::str(
          who,
          ": ",
          whose,
          std::isnan(product) ? "nan" : c10::str(product),
          ", which is not finite."));
}

void check_finite(const math::Matrix& gramian, const std::string& who) {
  const int64_t tasks = gramian.size();
  for (int64_t i = 0; i < tasks; ++i) {
    for (int64_t j = 0; j < tasks; ++j) {
      if (!std::isfinite(gramian(i, j))) {
        refuse_product(who, i, j, gramian(i, j));
      }
    }
  }
}

void check_symmetric(
    const math::Matrix& gramian, double allowed, const std::string& who) {
  const int64_t tasks = gramian.size();
  for (int64_t i = 0; i < tasks; ++i) {
    TORCH_CHECK_VALUE(
        gramian(i, i) >= 0,
        who,
        ": a Gramian's diagonal is not negative, but [",
        i,
        ", ",
        i,
        "] is ",
        gramian(i, i),
        ".");
    for (int64_t j = 0; j < i; ++j) {
      const double scale = std::sqrt(gramian(i, i)) * std::sqrt(gramian(j, j));
      const double difference = std::abs(gramian(i, j) - gramian(j, i));
      TORCH_CHECK_VALUE(
          difference <= allowed * scale ||
              difference <= allowed * std::abs(gramian(i, j)),
          who,
          ": expected a symmetric Gramian, but [",
          i,
          ", ",
          j,
          "] is ",
          gramian(i, j),
          " and its mirror image ",
          gramian(j, i),
          ".");
    }
  }
}

} // namespace

at::Tensor GramianBalancing::weights(
    const at::Tensor& gramian, const Extras& extras) {
  TORCH_CHECK_VALUE(
      gramian.defined() && gramian.is_floating_point(),
      name(),
      ": expected a floating-point Gramian, but got ",
      gramian.defined() ? gramian.toString() : "an undefined tensor",
      ".");
  math::Matrix values = detail::host_matrix(gramian, name());
  values.set_rounding(
      polytask::detail::gramian_rounding(gramian.scalar_type(), values.size()));
  if (is_symmetric()) {
    check_finite(values, name());
    check_symmetric(values, asymmetry_allowed(gramian.scalar_type()), name());
    math::symmetrize(values);
  }
  return polytask::detail::host_vector(
      solve(values, extras), gramian.options());
}

at::Tensor GramianBalancing::direction(
    const at::Tensor& jacobian, const Extras& extras) {
  detail::check_jacobian(jacobian, name());
  const at::Tensor rows = jacobian.detach();
  const math::Vector found = solve(gramian_of(rows, extras), extras);
  const at::Tensor update =
      detail::weighted_sum(found, combined_rows(rows, extras).detach());
  detail::check_finite_update(update, name());
  return update;
}

math::Vector GramianBalancing::solve(
    const math::Matrix& gramian, const Extras& extras) {
  check_finite(gramian, name());
  prepare(gramian.size());
  last_weights_ = compute(gramian, extras);
  weighed_ = present();
  return last_weights_;
}

math::Vector GramianBalancing::repeat() {
  math::Vector weights = repeated();
  TORCH_CHECK_VALUE(
      !weights.empty(),
      name(),
      ": there are no weights of these tasks to repeat yet.");
  return last_weights_ = std::move(weights);
}

math::Matrix GramianBalancing::gramian_of(
    const at::Tensor& jacobian, const Extras& /*extras*/) const {
  return detail::host_gramian(jacobian.flatten(1));
}

at::Tensor GramianBalancing::combined_rows(
    const at::Tensor& jacobian, const Extras& /*extras*/) const {
  return jacobian;
}

} // namespace polytask::balancing
