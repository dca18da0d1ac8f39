// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/gradvac_rows.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "core/host_value.h"

#include "../checks.h"
#include "../extras.h"
#include "../host.h"
#include "kept_rows.h"

namespace polytask::balancing {

namespace {

double gradvac_sine(double cosine) {
  return std::sqrt(std::max(1 - cosine * cosine, 0.0));
}

} // namespace

GradVacRows::GradVacRows(GradVacRowsOptions options) : options_(options) {
  detail::check_option(
      options_.beta() >= 0 && options_.beta() <= 1,
      name(),
      "a beta",
      "in [0, 1]",
      options_.beta());
  buffer("phi");
}

void GradVacRows::start() {
  buffer("phi") = at::zeros({tasks(), tasks()}, at::kDouble);
}

at::Tensor GradVacRows::combine(
    const at::Tensor& jacobian, const Extras& extras) {
  const auto orders = detail::orders_of(extras, "orders", tasks(), random());
  // In double: squares of floats over- and underflow.
  const at::Tensor rows = jacobian.to(at::kDouble);
  const auto lengths = detail::host_values(detail::row_lengths(rows), name());
  math::Matrix averages = detail::host_matrix(buffer("phi"), name());
  const double eps = options_.eps();
  at::Tensor sum = at::zeros_like(rows[0]);
  for (int64_t i = 0; i < tasks(); ++i) {
    at::Tensor x = rows[i].clone();
    for (const int64_t j : orders[static_cast<size_t>(i)]) {
      if (j == i) {
        continue;
      }
      const double length = x.norm().item<double>();
      const double other = lengths[static_cast<size_t>(j)];
      const double cosine =
          at::dot(x, rows[j]).item<double>() / (length * other + eps);
      const double wanted = averages(i, j);
      if (cosine < wanted) {
        const double sine = gradvac_sine(wanted);
        x.add_(
            rows[j],
            length * (wanted * gradvac_sine(cosine) - cosine * sine) /
                (other * sine + eps));
      }
      averages(i, j) += options_.beta() * (cosine - wanted);
    }
    sum += x;
  }
  buffer("phi") =
      polytask::detail::host_vector(
          {averages.data(), averages.data() + tasks() * tasks()}, at::kDouble)
          .reshape({tasks(), tasks()});
  return sum.to(jacobian.scalar_type());
}

} // namespace polytask::balancing
