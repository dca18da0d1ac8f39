// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <polytask/engine/route.h>
#include <polytask/model/multi_task_model.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace polytask::testing {

/// A model and rows for it, to be trained by every route.
struct RouteJob {
  std::string name;
  /// The fastest route that takes it.
  Route route;
  std::function<MultiTaskModel()> model;
  std::function<Batch(torch::Dtype)> batch;
  /// The factor of learning rates with which it converges: far enough from a
  /// ReLU's kink, routes stay together.
  double pace = 1;
  /// Whether some of LibTorch's operations in it allocate in each step.
  bool allocates = false;
};

/// Jobs for every program: linear tasks of many kinds, trunks of layers, and
/// trunks that only autograd knows.
std::vector<RouteJob> route_jobs();

/// How far two routes may be apart after some hundred steps, relative to the
/// largest value: a thousand roundings of the dtype.
double route_tolerance(torch::Dtype dtype);

/// The largest distance of any two elements, relative to the largest element.
double relative_distance(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b);
/// The same, each relative to the largest element of its tensor, or to 1.
/// Infinite where their number or their shapes differ.
double largest_distance(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b);

} // namespace polytask::testing
