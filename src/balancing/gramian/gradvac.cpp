// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/gradvac.h>

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "quadratic.h"

namespace polytask::balancing {

namespace {

// A target cosine whose sine's square is below this cannot be reached.
constexpr double kGradVacSmallestSquare = 1e-12;

// One task's gradient as it changes: x = Jᵀ weights, with its products J x.
struct GradVacRow {
  math::Vector weights;
  math::Vector products;

  void add(double step, const math::Matrix& gramian, size_t row) {
    weights[row] += step;
    const auto change = gramian.row(static_cast<int64_t>(row));
    for (size_t k = 0; k < products.size(); ++k) {
      products[k] += step * change[k];
    }
  }
};

} // namespace

GradVac::GradVac(GradVacOptions options) : options_(options) {
  check_options();
  buffer("phi");
}

const detail::Description& GradVac::description() {
  using namespace detail;
  static const Description made =
      Describe<GradVacOptions>("gradvac", "GradVac")
          .option("beta", &GradVacOptions::beta, from_to(0, 1), "β")
          .option(
              "eps",
              &GradVacOptions::eps,
              at_least(0),
              "added to the denominators")
          .made_of(&GradVac::options_);
  return made;
}

void GradVac::start() {
  buffer("phi") = at::zeros({tasks(), tasks()}, at::kDouble);
}

math::Vector GradVac::compute(
    const math::Matrix& gramian, const Extras& extras) {
  const auto orders = detail::orders_of(extras, "orders", tasks(), random());
  const auto count = static_cast<size_t>(tasks());
  const double beta = options_.beta();
  const double eps = options_.eps();
  // Whoever holds the state keeps what it was.
  buffer("phi") = buffer("phi").to(at::kCPU).clone();
  double* targets = buffer("phi").mutable_data_ptr<double>();
  const auto norms = detail::row_norms(gramian);
  const double own = math::own_component(gramian);
  math::Vector sum(count, 0.0);
  GradVacRow x;
  for (size_t i = 0; i < count; ++i) {
    const auto start = gramian.row(static_cast<int64_t>(i));
    x.products.assign(start.begin(), start.end());
    x.weights.assign(count, 0.0);
    x.weights[i] = 1;
    for (const int64_t task : orders[i]) {
      const auto j = static_cast<size_t>(task);
      if (j == i) {
        continue;
      }
      const double length =
          detail::sum_of_rows(x.weights, x.products, norms, own).length();
      const double other = norms[j];
      const double scale = length * other + eps;
      const double cosine =
          scale > 0 ? std::clamp(x.products[j] / scale, -1.0, 1.0) : 0;
      double& target = targets[i * count + j];
      const double square = 1 - target * target;
      const double divisor = other * std::sqrt(std::max(square, 0.0)) + eps;
      if (cosine < target && divisor > 0 && square > kGradVacSmallestSquare) {
        const double part = target * std::sqrt(1 - cosine * cosine) -
            cosine * std::sqrt(square);
        x.add(length * part / divisor, gramian, j);
      }
      target = (1 - beta) * target + beta * cosine;
    }
    for (size_t k = 0; k < count; ++k) {
      sum[k] += x.weights[k];
    }
  }
  return sum;
}

} // namespace polytask::balancing
