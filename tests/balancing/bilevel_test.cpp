// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/balancing/bilevel_balancing.h>
#include <polytask/balancing/make.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "src/balancing/bilevel/forum_weights.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

// The bilevel methods on a problem whose answers are known: no model.

namespace polytask {
namespace {

using balancing::BilevelBalancing;
using balancing::BilevelProblem;
using balancing::make;

/// L_k(θ) = ½ |θ - c_k|² with other points c_k for the inner and outer data.
class Bowls : public BilevelProblem {
 public:
  explicit Bowls(int64_t tasks)
      : Bowls(
            at::randn({tasks, 4}, at::kDouble),
            at::randn({tasks, 4}, at::kDouble)) {}
  Bowls(at::Tensor inner, at::Tensor outer)
      : point(at::zeros({inner.size(1)}, at::kDouble)),
        inner_(std::move(inner)),
        outer_(std::move(outer)),
        start_(point) {}

  int64_t tasks() const override {
    return inner_.size(0);
  }
  math::Vector losses(Data data) override {
    const at::Tensor values = 0.5 * from(data).square().sum(1);
    math::Vector all;
    for (int64_t task = 0; task < tasks(); ++task) {
      all.push_back(values[task].item<double>());
    }
    return all;
  }
  Rows gradients(Data data) override {
    return {losses(data), from(data)};
  }
  Sum gradient(Data data, const math::Vector& weights) override {
    at::Tensor sum = at::zeros_like(point);
    for (int64_t task = 0; task < tasks(); ++task) {
      sum = sum + weights[static_cast<size_t>(task)] * from(data)[task];
    }
    return {losses(data), sum};
  }
  void move(double step, const at::Tensor& direction) override {
    point = point + step * direction;
  }
  void put_back() override {
    point = start_;
  }
  double learning_rate() const override {
    return 0.2;
  }

  at::Tensor point;

 private:
  at::Tensor from(Data data) const {
    return point - (data == Data::kInner ? inner_ : outer_);
  }

  at::Tensor inner_;
  at::Tensor outer_;
  at::Tensor start_;
};

std::unique_ptr<BilevelBalancing> made_bilevel(const std::string& name) {
  auto method = make(name, {{"outer_lr", 0.1}});
  return std::unique_ptr<BilevelBalancing>(
      dynamic_cast<BilevelBalancing*>(method.release()));
}

/// Whether both learn the same from a problem, to the last bit.
bool learn_alike(BilevelBalancing& a, BilevelBalancing& b, int64_t tasks) {
  Bowls problem(tasks);
  const auto first = a.learn(problem);
  const auto second = b.learn(problem);
  return first.weights == second.weights &&
      first.direction.defined() == second.direction.defined() &&
      (!first.direction.defined() ||
       at::equal(first.direction, second.direction));
}

class BilevelMethod : public ::testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<BilevelBalancing> method = made_bilevel(GetParam());
};

TEST_P(BilevelMethod, SaysWhatItReads) {
  EXPECT_EQ(method->reads(), balancing::Reads::kBilevel);
  const std::string name = GetParam();
  EXPECT_EQ(method->name(), name.substr(0, name.find("_libmtl")));
}

TEST_P(BilevelMethod, KeepsItsWeightsOnTheSimplex) {
  for (const int64_t tasks : {1, 2, 3, 6}) {
    method->reset();
    for (int round = 0; round < 10; ++round) {
      Bowls problem(tasks);
      const auto weights = method->learn(problem).weights;
      double sum = 0;
      for (const double weight : weights) {
        EXPECT_GT(weight, 0);
        sum += weight;
      }
      EXPECT_NEAR(sum, 1, 1e-12);
      EXPECT_EQ(static_cast<int64_t>(weights.size()), tasks);
    }
  }
}

TEST_P(BilevelMethod, GivesASingleTaskAllWeight) {
  Bowls problem(1);
  EXPECT_EQ(method->learn(problem).weights, math::Vector{1});
}

TEST_P(BilevelMethod, PutsTheParametersBack) {
  Bowls problem(3);
  method->learn(problem);
  EXPECT_TRUE(at::equal(problem.point, at::zeros({4}, at::kDouble)));
}

TEST_P(BilevelMethod, GoesOnFromASavedState) {
  for (int round = 0; round < 3; ++round) {
    Bowls problem(3);
    method->learn(problem);
    method->end_epoch();
  }
  const auto loaded = made_bilevel(GetParam());
  loaded->load_state(method->state());
  EXPECT_TRUE(learn_alike(*method, *loaded, 3));
  EXPECT_TRUE(learn_alike(*method, *loaded, 3));
}

TEST_P(BilevelMethod, HasIndependentClones) {
  Bowls problem(3);
  method->learn(problem);
  const auto clone = method->clone();
  const auto witness = method->clone();
  method->learn(problem);
  EXPECT_TRUE(learn_alike(
      dynamic_cast<BilevelBalancing&>(*clone),
      dynamic_cast<BilevelBalancing&>(*witness),
      3));
}

TEST_P(BilevelMethod, StartsAnewAfterReset) {
  Bowls problem(3);
  method->learn(problem);
  method->end_epoch();
  method->reset();
  EXPECT_TRUE(learn_alike(*method, *made_bilevel(GetParam()), 3));
}

TEST_P(BilevelMethod, RefusesAnotherNumberOfTasks) {
  Bowls problem(3);
  method->learn(problem);
  Bowls other(4);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method->learn(other); }), {"3", "4"}));
}

TEST_P(BilevelMethod, LeavesTasksThatTakeNoPart) {
  method->prepare(4);
  const auto before = method->state().at("logits").clone();
  // Several problems, for one may have nothing to teach.
  for (int i = 0; i < 10; ++i) {
    Bowls problem(2);
    method->with_tasks({1, 3}, [&] { method->learn(problem); });
  }
  const auto after = method->state().at("logits");
  EXPECT_TRUE(at::equal(after[0], before[0]));
  EXPECT_TRUE(at::equal(after[2], before[2]));
  EXPECT_FALSE(at::equal(after[1], before[1]));
}

TEST_P(BilevelMethod, StaysFiniteWhereAllIsSolved) {
  Bowls problem(at::zeros({3, 4}, at::kDouble), at::zeros({3, 4}, at::kDouble));
  const auto update = method->learn(problem);
  for (const double weight : update.weights) {
    EXPECT_NEAR(weight, 1.0 / 3, 1e-12);
  }
  if (update.direction.defined()) {
    EXPECT_EQ(update.direction.abs().max().item<double>(), 0);
  }
}

TEST_P(BilevelMethod, LooksAtItsRates) {
  for (const double bad : {0.0, -1.0, std::nan("")}) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { make(GetParam(), {{"outer_lr", bad}}); }),
        {"outer_lr", "above 0"}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    BilevelMethod,
    ::testing::Values("moml", "moml_libmtl", "auto_lambda", "forum"),
    [](const auto& each) { return std::string(each.param); });

class BilevelWeights : public ::testing::TestWithParam<const char*> {};

// All outer losses fall towards the inner point of the first task.
TEST_P(BilevelWeights, GrowForTheTaskThatLowersTheOuterLosses) {
  const auto method = made_bilevel(GetParam());
  const auto inner = at::randn({3, 4}, at::kDouble);
  Bowls problem(inner, inner.narrow(0, 0, 1).expand({3, 4}));
  const auto weights = method->learn(problem).weights;
  EXPECT_GT(weights[0], 1.0 / 3);
  EXPECT_GT(weights[0], weights[1]);
  EXPECT_GT(weights[0], weights[2]);
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    BilevelWeights,
    ::testing::Values("moml", "moml_libmtl", "auto_lambda"),
    [](const auto& each) { return std::string(each.param); });

TEST(MOML, RefusesMoreThanOneInnerStep) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("moml", {{"inner_step", 2}}); }),
      {"moml", "inner_step", "1", "2"}));
}

// Adam's mean after its first step is a tenth of the gradient.
math::Vector first_gradient(const BilevelBalancing& method) {
  const auto mean = method.state().at("mean") * 10;
  const auto* values = mean.const_data_ptr<double>();
  return {values, values + mean.numel()};
}

TEST(AutoLambda, FollowsTheOuterLossesDerivativeForTheLogits) {
  const auto method = made_bilevel("auto_lambda");
  Bowls problem(3);
  method->learn(problem);
  const auto gradient = first_gradient(*method);
  const auto outer_after = [&](size_t moved, double by) {
    math::Vector weights(3);
    double sum = 0;
    for (size_t task = 0; task < 3; ++task) {
      weights[task] = std::exp(task == moved ? by : 0);
      sum += weights[task];
    }
    for (double& weight : weights) {
      weight /= sum;
    }
    problem.move(
        -problem.learning_rate(),
        problem.gradient(BilevelProblem::Data::kInner, weights).gradient);
    double total = 0;
    for (const double loss : problem.losses(BilevelProblem::Data::kOuter)) {
      total += loss;
    }
    problem.put_back();
    return total;
  };
  for (size_t task = 0; task < 3; ++task) {
    const double slope =
        (outer_after(task, 1e-5) - outer_after(task, -1e-5)) / 2e-5;
    EXPECT_NEAR(gradient[task], slope, 1e-8);
  }
}

TEST(AutoLambda, PrefersARateOfItsOwn) {
  Bowls problem(2);
  const auto theirs = made_bilevel("auto_lambda");
  theirs->learn(problem);
  auto made = make("auto_lambda", {{"outer_lr", 0.1}, {"model_lr", 0.2}});
  auto& own = dynamic_cast<BilevelBalancing&>(*made);
  own.learn(problem);
  EXPECT_EQ(first_gradient(own), first_gradient(*theirs));
  made = make("auto_lambda", {{"model_lr", 0.4}});
  auto& other = dynamic_cast<BilevelBalancing&>(*made);
  other.learn(problem);
  EXPECT_NE(first_gradient(other), first_gradient(*theirs));
}

TEST(FORUM, AveragesItsMultipliersMoreFromEpochToEpoch) {
  const auto method = made_bilevel("forum");
  Bowls problem(3);
  const auto lambda = [&] {
    method->learn(problem);
    return method->state().at("lambda");
  };
  const auto first = lambda();
  EXPECT_NEAR(first.sum().item<double>(), 1, 1e-12);
  for (int epoch = 0; epoch < 100; ++epoch) {
    method->end_epoch();
  }
  problem = Bowls(3);
  const double share = std::pow(101, -0.75);
  EXPECT_LE((lambda() - first).abs().max().item<double>(), share * (1 + 1e-12));
}

TEST(FORUM, LowersTheInnerDistanceAtLeastByPhi) {
  // q·(Σ λ F + ν q) >= φ |q|², up to the 1e-8: the update's part along q. With
  // one task and no logits to move, q is the inner gradient.
  for (const double phi : {0.1, 0.5}) {
    auto made = make("forum", {{"FORUM_phi", phi}});
    auto& method = dynamic_cast<BilevelBalancing&>(*made);
    Bowls problem(1);
    const auto inner =
        problem.gradient(BilevelProblem::Data::kInner, {1}).gradient;
    const auto direction = method.learn(problem).direction;
    const double square = (inner * inner).sum().item<double>();
    EXPECT_GE((direction * inner).sum().item<double>(), phi * square - 1e-6);
  }
}

balancing::detail::ForumDirections random_directions(
    int64_t tasks, double length, bool dependent) {
  auto rows = at::randn({tasks, 5}, at::kDouble);
  rows = rows / rows.norm(2, 1, true);
  if (dependent && tasks > 1) {
    rows[1].copy_(rows[0]);
    rows[tasks - 1].zero_();
  }
  const auto lower = at::randn({5}, at::kDouble) * length;
  balancing::detail::ForumDirections directions{
      math::Matrix(tasks),
      math::Vector(static_cast<size_t>(tasks)),
      lower.square().sum().item<double>()};
  for (int64_t i = 0; i < tasks; ++i) {
    for (int64_t j = 0; j < tasks; ++j) {
      directions.products(i, j) = (rows[i] * rows[j]).sum().item<double>();
    }
    directions.with_lower[static_cast<size_t>(i)] =
        (rows[i] * lower).sum().item<double>();
  }
  return directions;
}

/// The objective at w with the best v, which is convex in w.
double forum_objective(
    const balancing::detail::ForumDirections& directions,
    const math::Vector& w,
    double phi) {
  const auto slopes = balancing::detail::forum_slopes(directions, phi);
  double square = 0;
  double with_lower = 0;
  double bound = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    for (size_t j = 0; j < w.size(); ++j) {
      square += w[i] * w[j] *
          directions.products(static_cast<int64_t>(i), static_cast<int64_t>(j));
    }
    with_lower += w[i] * directions.with_lower[i];
    bound += w[i] * slopes[i];
  }
  const double gain = phi * (directions.lower_square + 1e-8);
  const double v =
      std::max({0.0, bound, (gain / 2 - with_lower) / directions.lower_square});
  return square + 2 * v * with_lower + v * v * directions.lower_square -
      gain * v;
}

TEST(FORUM, SolvesItsQuadraticProblem) {
  for (int round = 0; round < 60; ++round) {
    const int64_t tasks = 1 + round % 5;
    const double length = std::pow(10, round % 4 - 2);
    const double phi = round % 3 == 0 ? 0 : 0.3;
    const auto directions = random_directions(tasks, length, round % 7 == 0);
    const auto w = balancing::detail::forum_weights(directions, phi);
    const double least = forum_objective(directions, w, phi);
    EXPECT_GE(*std::min_element(w.begin(), w.end()), 0);
    // No worse than any way towards a vertex: enough for a convex function
    // that is smooth, and near enough for this one.
    for (size_t vertex = 0; vertex < w.size(); ++vertex) {
      for (const double share : {1e-6, 1e-3, 0.1, 1.0}) {
        auto other = w;
        for (double& weight : other) {
          weight *= 1 - share;
        }
        other[vertex] += share;
        EXPECT_GE(
            forum_objective(directions, other, phi),
            least - 1e-12 * (1 + std::abs(least)))
            << "round " << round;
      }
    }
  }
}

} // namespace
} // namespace polytask
