// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "problem.h"

namespace toy {

/// A way from a start: where it was before the first step and after every `every` steps.
struct Path {
  int64_t every;
  std::vector<Point> points;
};

struct DescentOptions {
  Point start{};
  int64_t steps = 0;
  /// How often a point is kept.
  int64_t every = 1;
  double learning_rate = 1e-3;
  /// Of the first objective.
  double objective_scale = 1;
  /// Of what the method gives: Adam hardly notices.
  double direction_scale = 1;
};

/// The update that a method makes of both gradients.
inline Point direction(polytask::balancing::Balancing& method, const Value& value) {
  using namespace polytask::balancing;
  const auto& g = value.gradients;
  const auto losses = [&] {
    return torch::tensor(c10::ArrayRef<double>(value.losses), torch::kDouble);
  };
  TORCH_CHECK_VALUE(method.reads() != Reads::kBilevel && method.batches() == 1, method.name(),
      " needs more than one batch; the toy problem has none.");
  if (method.reads() == Reads::kGramian) { // on the host: a hundred thousand steps a second
    polytask::math::Matrix gramian(2);
    for (int i = 0; i < 4; ++i) {
      const auto& a = g[static_cast<size_t>(i / 2)];
      const auto& b = g[static_cast<size_t>(i % 2)];
      gramian(i / 2, i % 2) = a[0] * b[0] + a[1] * b[1];
    }
    const Extras extras = method.wants_losses() ? Extras{{"losses", losses()}} : Extras();
    const auto w = dynamic_cast<GramianBalancing&>(method).solve(gramian, extras);
    return {w[0] * g[0][0] + w[1] * g[1][0], w[0] * g[0][1] + w[1] * g[1][1]};
  }
  const auto jacobian =
      torch::tensor({g[0][0], g[0][1], g[1][0], g[1][1]}, torch::kDouble).view({2, 2});
  torch::Tensor update; // [2]
  if (method.reads() == Reads::kLosses) {
    update = dynamic_cast<LossBalancing&>(method).direction(jacobian, {{"losses", losses()}});
  } else {
    const Extras extras = method.wants_losses() ? Extras{{"losses", losses()}} : Extras();
    update = dynamic_cast<JacobianBalancing&>(method).direction(jacobian, extras);
  }
  return {update[0].item<double>(), update[1].item<double>()};
}

/// D. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, as torch has it.
class Adam {
 public:
  explicit Adam(double learning_rate) : learning_rate_(learning_rate) {}

  void step(Point& x, const Point& update) {
    first_ *= 0.9;
    second_ *= 0.999;
    const double rate = learning_rate_ / (1 - first_);
    for (size_t k = 0; k < 2; ++k) {
      mean_[k] += (update[k] - mean_[k]) * (1 - 0.9);
      square_[k] = 0.999 * square_[k] + (1 - 0.999) * update[k] * update[k];
      x[k] -= rate * mean_[k] / (std::sqrt(square_[k]) / std::sqrt(1 - second_) + 1e-8);
    }
  }

 private:
  double learning_rate_;
  double first_ = 1;
  double second_ = 1;
  Point mean_{};
  Point square_{};
};

/// Adam on x, with the update that the method makes of both gradients.
inline Path descend(polytask::balancing::Balancing& method, const DescentOptions& options) {
  Point x = options.start;
  Adam adam(options.learning_rate);
  Path path{options.every, {x}};
  for (int64_t step = 1; step <= options.steps; ++step) {
    Point update = direction(method, evaluate(x, options.objective_scale));
    for (double& part : update) {
      part *= options.direction_scale;
    }
    adam.step(x, update);
    if (method.wants_losses_after()) {
      const auto after = evaluate(x, options.objective_scale).losses;
      method.observe_after(torch::tensor(c10::ArrayRef<double>(after), torch::kDouble));
    }
    if (step % options.every == 0) {
      path.points.push_back(x);
    }
  }
  return path;
}

} // namespace toy
