// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/bilevel/auto_lambda.h>

#include <cmath>

#include "../checks.h"
#include "../describe.h"
#include "../jacobian/row_lengths.h"

namespace polytask::balancing {

namespace {

// The length of the finite difference.
constexpr double kAutoLambdaLength = 0.01;

} // namespace

AutoLambda::AutoLambda(AutoLambdaOptions options)
    : Described(options.outer_lr(), "auto_lambda"), options_(options) {
  check_options();
}

const detail::Description& AutoLambda::description() {
  using namespace detail;
  static const Description made =
      Describe<AutoLambdaOptions>("auto_lambda", "AutoLambda")
          .option(
              "outer_lr",
              &AutoLambdaOptions::outer_lr,
              above(0),
              "Adam's rate for a")
          .option(
              "model_lr",
              &AutoLambdaOptions::model_lr,
              above(0),
              "η, of the trial step; needed where the optimizer has several "
              "rates")
          .otherwise("the optimizer's rate")
          .unused(
              "inner_step",
              "auto_lambda",
              "steps before the outer gradients",
              1)
          .made_of(&AutoLambda::options_);
  return made;
}

AutoLambda::Update AutoLambda::compute(BilevelProblem& problem) {
  using Data = BilevelProblem::Data;
  const double rate =
      options_.model_lr() ? *options_.model_lr() : problem.learning_rate();
  problem.move(-rate, problem.gradient(Data::kInner, weights()).gradient);
  const math::Vector ones(static_cast<size_t>(tasks()), 1.0);
  const at::Tensor outer = problem.gradient(Data::kOuter, ones).gradient;
  problem.put_back();
  const auto length =
      detail::row_lengths(outer.reshape({1, -1})).item<double>();
  math::Vector gradient(ones.size(), 0.0);
  if (length > 0) {
    const double step = kAutoLambdaLength / length;
    problem.move(step, outer);
    const auto ahead = problem.losses(Data::kInner);
    problem.put_back();
    problem.move(-step, outer);
    const auto behind = problem.losses(Data::kInner);
    problem.put_back();
    for (size_t task = 0; task < ones.size(); ++task) {
      gradient[task] = -rate * (ahead[task] - behind[task]) / (2 * step);
    }
    gradient = through_softmax(gradient);
  }
  move_logits(gradient);
  return {weights(), {}};
}

} // namespace polytask::balancing
