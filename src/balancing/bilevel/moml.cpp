// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/bilevel/moml.h>

#include <cmath>

#include "../checks.h"
#include "../describe.h"
#include "../host.h"

namespace polytask::balancing {

namespace {

// H Hᵀ of T vectors [T].
math::Matrix products_of_rows(const std::vector<math::Vector>& rows) {
  math::Matrix products(static_cast<int64_t>(rows.size()));
  for (int64_t i = 0; i < products.size(); ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      const auto& a = rows[static_cast<size_t>(i)];
      const auto& b = rows[static_cast<size_t>(j)];
      double sum = 0;
      for (size_t k = 0; k < a.size(); ++k) {
        sum += a[k] * b[k];
      }
      products(i, j) = products(j, i) = sum;
    }
  }
  return products;
}

} // namespace

MOML::MOML(MOMLOptions options)
    : Described(options.outer_lr(), "moml"), options_(options) {
  check_options();
}

const detail::Description& MOML::description() {
  using namespace detail;
  static const Description made =
      Describe<MOMLOptions>("moml", "MOML")
          .option(
              "outer_lr", &MOMLOptions::outer_lr, above(0), "Adam's rate for a")
          .option(
              "inner_lr",
              &MOMLOptions::inner_lr,
              above(0),
              "η, of the trial step")
          .choice<MGDAOptions::Solver>(
              "solver",
              &MOMLOptions::solver,
              {{"exact", MGDAOptions::Solver::kExact},
               {"frank_wolfe", MGDAOptions::Solver::kFrankWolfe},
               {"pairs", MGDAOptions::Solver::kPairs}},
              "of the shortest vector")
          .as("moml_libmtl",
              {{"outer_lr", "outer_lr"}, {"inner_lr", "inner_lr"}},
              [](MOMLOptions& options) {
                options.solver(MGDAOptions::Solver::kPairs);
              })
          .unused("inner_step", "moml", "steps before the outer gradients", 1)
          .unused(
              "inner_step",
              "moml_libmtl",
              "steps before the outer gradients",
              1)
          .made_of(&MOML::options_);
  return made;
}

MOML::Update MOML::compute(BilevelProblem& problem) {
  using Data = BilevelProblem::Data;
  const double rate = options_.inner_lr();
  const at::Tensor inner = problem.gradients(Data::kInner).gradients;
  problem.move(-rate, detail::plain_weighted_sum(weights(), inner));
  const at::Tensor outer = problem.gradients(Data::kOuter).gradients;
  problem.put_back();
  const math::Matrix products = detail::host_products(outer, inner);
  std::vector<math::Vector> rows;
  for (int64_t task = 0; task < products.size(); ++task) {
    const auto row = products.row(task);
    rows.push_back(through_softmax({row.begin(), row.end()}));
    for (double& value : rows.back()) {
      value *= -rate;
    }
  }
  MGDA shortest(MGDAOptions()
                    .solver(options_.solver())
                    .normalization(MGDAOptions::Normalization::kLength)
                    .combine_normalized(true));
  const auto shares = shortest.solve(products_of_rows(rows));
  math::Vector gradient(rows.size(), 0.0);
  for (size_t task = 0; task < rows.size(); ++task) {
    for (size_t k = 0; k < rows.size(); ++k) {
      gradient[k] += shares[task] * rows[task][k];
    }
  }
  move_logits(gradient);
  return {weights(), {}};
}

} // namespace polytask::balancing
