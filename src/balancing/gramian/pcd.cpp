// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/pcd.h>

#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <polytask/math/halfspace_projection.h>
#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../host.h"
#include "quadratic.h"

namespace polytask::balancing {

namespace {

// Whether the rows' sum is within the constraints; not where the projection's
// multipliers are so large that their rounding is all that there is.
bool pcd_is_within(
    const math::Matrix& gramian,
    const math::Vector& products,
    const math::Vector& bounds) {
  const double shortfall =
      std::max(1e-6, 2 * std::sqrt(math::own_component(gramian)));
  for (size_t j = 1; j < products.size(); ++j) {
    const auto task = static_cast<int64_t>(j);
    const double scale =
        std::sqrt(gramian(0, 0)) * std::sqrt(gramian(task, task));
    if (products[j] < bounds[j] - shortfall * scale) {
      return false;
    }
  }
  return true;
}

} // namespace

PCD::PCD(PCDOptions options) : options_(std::move(options)) {
  check_options();
  buffer("squares");
  buffer("steps");
}

const detail::Description& PCD::description() {
  using namespace detail;
  static const Description made =
      Describe<PCDOptions>("pcd", "PCD")
          .option(
              "tau",
              &PCDOptions::tau,
              at_least(0),
              "τ, one for all or one for each of the others")
          .or_one_number()
          .option("beta", &PCDOptions::beta, from_to_below(0, 1), "of v̂")
          .option("eps", &PCDOptions::eps, at_least(0), "1e-8 as TorchJD")
          .made_of(&PCD::options_);
  return made;
}

void PCD::check_tasks(int64_t tasks) const {
  const auto given = static_cast<int64_t>(options_.tau().size());
  TORCH_CHECK_VALUE(
      given == 1 || given == tasks - 1,
      name(),
      ": expected one tau, or one for each of ",
      tasks - 1,
      " tasks after the first, but got ",
      given,
      ".");
}

void PCD::start() {
  buffer("squares") = at::zeros({tasks()}, at::kDouble);
  buffer("steps") = at::zeros({tasks()}, at::kDouble);
}

// 1 / √v̂_k, after a step of the moving average.
math::Vector PCD::scales(const math::Matrix& gramian) {
  auto squares = detail::host_values(buffer("squares"), name());
  auto steps = detail::host_values(buffer("steps"), name());
  math::Vector scales(squares.size());
  for (size_t i = 0; i < squares.size(); ++i) {
    const auto task = static_cast<int64_t>(i);
    steps[i] += 1;
    squares[i] = options_.beta() * squares[i] +
        (1 - options_.beta()) * gramian(task, task);
    const double corrected =
        squares[i] / (1 - std::pow(options_.beta(), steps[i])) + options_.eps();
    scales[i] = corrected > 0 ? 1 / std::sqrt(corrected) : 0;
  }
  buffer("squares") = polytask::detail::host_vector(squares, at::kDouble);
  buffer("steps") = polytask::detail::host_vector(steps, at::kDouble);
  return scales;
}

math::Vector PCD::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  const auto factors = scales(gramian);
  const size_t count = factors.size();
  math::Matrix scaled = gramian;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    for (int64_t j = 0; j < gramian.size(); ++j) {
      scaled(i, j) *=
          factors[static_cast<size_t>(i)] * factors[static_cast<size_t>(j)];
    }
  }
  math::Vector bounds = options_.tau();
  if (bounds.size() == 1) {
    bounds.assign(count, bounds[0]);
  } else {
    bounds.insert(bounds.begin(), 0.0);
    bounds = of_present(bounds);
  }
  for (size_t i = 0; i < count; ++i) {
    const auto task = static_cast<int64_t>(i);
    bounds[i] *= scaled(task, task);
  }

  math::Vector first(count, 0.0);
  first[0] = 1;
  if (!(gramian(0, 0) > 0)) {
    first[0] = 0;
    return first;
  }
  auto weights = math::project_onto_halfspaces(scaled, bounds);
  if (!weights) {
    return first;
  }
  const auto products = detail::products_with(scaled, *weights);
  if (!pcd_is_within(scaled, products, bounds)) {
    return first;
  }
  const auto sum = detail::sum_of_rows(
      *weights,
      products,
      detail::row_norms(scaled),
      math::own_component(scaled));
  const double factor = sum.known() > 0
      ? std::sqrt(gramian(0, 0)) / sum.length() * sum.known()
      : 0;
  for (size_t i = 0; i < count; ++i) {
    (*weights)[i] *= factor * factors[i];
  }
  return *std::move(weights);
}

} // namespace polytask::balancing
