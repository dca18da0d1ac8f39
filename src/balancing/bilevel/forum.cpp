// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/bilevel/forum.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../host.h"
#include "../task_labels.h"
#include "forum_weights.h"

namespace polytask::balancing {

namespace {

// Beyond this, steps of SGD lead away.
constexpr double kForumLargest = 1e5;

double forum_dot(const math::Vector& a, const math::Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

// Of the products of the tasks' gradients and, last, q's part for θ.
detail::ForumDirections unit_directions(
    const math::Matrix& products,
    const math::Vector& lengths,
    double lower_logits) {
  const auto tasks = static_cast<int64_t>(lengths.size());
  detail::ForumDirections directions{
      math::Matrix(tasks), math::Vector(lengths.size()), lower_logits};
  directions.products.set_rounding(products.rounding());
  directions.lower_square += products(tasks, tasks);
  for (int64_t i = 0; i < tasks; ++i) {
    const auto row = static_cast<size_t>(i);
    for (int64_t j = 0; j < tasks; ++j) {
      directions.products(i, j) =
          products(i, j) / lengths[row] / lengths[static_cast<size_t>(j)];
    }
    directions.with_lower[row] = products(i, tasks) / lengths[row];
  }
  return directions;
}

void check_forum_finite(const math::Matrix& products) {
  for (int64_t i = 0; i < products.size(); ++i) {
    TORCH_CHECK_VALUE(
        std::isfinite(products(i, i)),
        "forum: the gradient of ",
        i + 1 < products.size() ? detail::task_label(static_cast<size_t>(i))
                                : "the weighted sum",
        " is not finite.");
  }
}

} // namespace

FORUM::FORUM(FORUMOptions options)
    : Described(options.outer_lr(), "forum"), options_(options) {
  check_options();
  buffer("lambda");
  buffer("epoch");
}

const detail::Description& FORUM::description() {
  using namespace detail;
  static const Description made =
      Describe<FORUMOptions>("forum", "FORUM")
          .option(
              "outer_lr",
              &FORUMOptions::outer_lr,
              above(0),
              "Adam's rate for a")
          .option(
              "inner_lr",
              &FORUMOptions::inner_lr,
              above(0),
              "of the steps to θ_T")
          .option(
              "inner_step",
              &FORUMOptions::inner_step,
              at_least(1),
              "their number")
          .option(
              "phi",
              &FORUMOptions::phi,
              at_least(0),
              "φ: how fast the model is to come near its best")
          .or_by("FORUM_phi")
          .made_of(&FORUM::options_);
  return made;
}

void FORUM::start() {
  BilevelBalancing::start();
  buffer("lambda") = at::zeros({tasks()}, at::kDouble);
  buffer("epoch") = at::scalar_tensor(0, at::kLong);
}

void FORUM::end_epoch() {
  if (buffer("epoch").defined()) {
    buffer("epoch") =
        at::scalar_tensor(buffer("epoch").item<int64_t>() + 1, at::kLong);
  }
}

FORUM::Lower FORUM::lower_direction(BilevelProblem& problem) const {
  using Data = BilevelProblem::Data;
  const auto shares = weights();
  const auto here = problem.gradient(Data::kInner, shares);
  auto there = here;
  for (int64_t step = 0; step < options_.inner_step(); ++step) {
    if (!(forum_dot(shares, there.losses) <= kForumLargest)) {
      break;
    }
    problem.move(-options_.inner_lr(), there.gradient);
    if (step + 1 < options_.inner_step()) {
      there = problem.gradient(Data::kInner, shares);
    } else {
      there.losses = problem.losses(Data::kInner);
    }
  }
  problem.put_back();
  math::Vector fallen = here.losses;
  for (size_t task = 0; task < fallen.size(); ++task) {
    fallen[task] -= there.losses[task];
  }
  return {through_softmax(fallen), here.gradient};
}

math::Vector FORUM::next_lambda(const math::Vector& weights) {
  auto lambda = detail::host_values(buffer("lambda"), name());
  const auto epoch = static_cast<double>(buffer("epoch").item<int64_t>());
  const double share = std::pow(epoch + 1, -0.75);
  for (size_t task = 0; task < lambda.size(); ++task) {
    lambda[task] += share * (weights[task] - lambda[task]);
  }
  buffer("lambda") = polytask::detail::host_vector(lambda, at::kDouble);
  return lambda;
}

FORUM::Update FORUM::compute(BilevelProblem& problem) {
  const Lower lower = lower_direction(problem);
  const at::Tensor rows = at::cat(
      {problem.gradients(BilevelProblem::Data::kOuter).gradients,
       lower.parameters.unsqueeze(0)});
  const math::Matrix products = detail::host_gramian(rows);
  check_forum_finite(products);
  math::Vector lengths(lower.logits.size());
  for (size_t task = 0; task < lengths.size(); ++task) {
    const auto i = static_cast<int64_t>(task);
    lengths[task] = products(i, i) > 0 ? std::sqrt(products(i, i)) : 1;
  }
  const auto directions =
      unit_directions(products, lengths, forum_dot(lower.logits, lower.logits));
  auto factors = next_lambda(detail::forum_weights(directions, options_.phi()));
  const double share = std::max(
      forum_dot(factors, detail::forum_slopes(directions, options_.phi())),
      0.0);
  for (size_t task = 0; task < lengths.size(); ++task) {
    factors[task] /= lengths[task];
  }
  factors.push_back(share);
  math::Vector gradient = lower.logits;
  for (double& value : gradient) {
    value *= share;
  }
  move_logits(gradient);
  return {weights(), detail::weighted_sum(factors, rows)};
}

} // namespace polytask::balancing
