// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "gradient_job.h"

#include <algorithm>
#include <array>

#include "../costs.h"
#include "../refuse_route.h"
#include "batched_backward.h"

namespace polytask::detail {

namespace {

using Needs = GradientJob::Needs;

// Those that are chosen; of two that cost the same, the first.
constexpr std::array kChosen{
    Route::kLayers,
    Route::kLayerJacobian,
    Route::kLayerGramian,
    Route::kAutograd,
    Route::kBatchedJacobian,
    Route::kStreamedGramian};

bool is_by_layers(Route route) {
  return route == Route::kLayers || route == Route::kLayerJacobian ||
      route == Route::kLayerGramian;
}

bool holds_no_rows(Route route) {
  return route == Route::kLayerGramian || route == Route::kStreamedGramian ||
      route == Route::kFeatureGradients;
}

std::string reason(Route route, const GradientJob& job) {
  const std::string layers = "the trunk has known layers only";
  switch (route) {
    case Route::kLayers:
      return "one weighted backward: " + layers;
    case Route::kLayerJacobian:
      return job.needs == Needs::kJacobian
          ? layers
          : layers + "; inner products without the Jacobian would cost more";
    case Route::kLayerGramian:
      return layers + "; the Jacobian would cost more";
    case Route::kBatchedJacobian:
      return job.why_graph +
          "; the network is small, so its operations are vectorised";
    case Route::kStreamedGramian:
      return job.why_graph + "; the Jacobian would be too large to hold";
    default:
      break;
  }
  if (job.needs == Needs::kSum) {
    return "one weighted backward: " + job.why_graph;
  }
  return "one backward for each task: " +
      (job.refuses_batches ? "the model's backward cannot be vectorised"
                           : job.why_graph);
}

} // namespace

std::string_view obstacle(Route route, const GradientJob& job) {
  if (holds_no_rows(route) && job.needs == Needs::kJacobian) {
    return "the Jacobian itself is needed, by the method or to add up batches";
  }
  if (is_by_layers(route) && !job.layers) {
    return job.why_graph;
  }
  switch (route) {
    case Route::kLayers:
      return job.needs == Needs::kSum ? "" : "the method reads gradients";
    case Route::kLayerGramian:
      return job.has_shared_strays ? "a loss reads a shared parameter itself"
                                   : "";
    case Route::kFeatureGradients:
      break;
    case Route::kAutograd:
      return job.layers ? "the trunk takes no graph" : "";
    case Route::kBatchedJacobian:
    case Route::kStreamedGramian:
      break;
    default:
      return "";
  }
  if (route == Route::kFeatureGradients) {
    return job.layers ? std::string_view() : job.apart;
  }
  if (job.layers) {
    return "the trunk takes no graph";
  }
  if (job.needs == Needs::kSum) {
    return "the method reads no gradient";
  }
  if (job.refuses_batches) {
    return "the model's backward cannot be vectorised";
  }
  if (route == Route::kStreamedGramian && job.has_strays) {
    return "it reaches leaves that are not shared";
  }
  if (route == Route::kStreamedGramian && !can_stream()) {
    return "this build of LibTorch hands on no gradients as they come";
  }
  return job.apart;
}

double cost(Route route, const GradientJob& job) {
  const RowsJob rows{job.tasks, job.rows, job.parameters, job.element_size};
  switch (route) {
    case Route::kLayerJacobian:
      return job.layers->rows + held_rows_cost(rows);
    case Route::kLayerGramian:
      return job.layers->gramian +
          weighted_backward_cost(job.rows, job.parameters);
    case Route::kAutograd:
      return single_backwards_cost(rows) + held_rows_cost(rows);
    case Route::kBatchedJacobian:
      return batched_backward_cost(rows) + held_rows_cost(rows);
    case Route::kStreamedGramian:
      return streamed_backward_cost(rows);
    default:
      return 0;
  }
}

RouteChoice choose_route(Route wanted, const GradientJob& job) {
  // A sum is one backward, whatever was asked for to get single gradients.
  if (wanted != Route::kAuto && wanted != Route::kAutograd &&
      job.needs != Needs::kSum) {
    const auto found = obstacle(wanted, job);
    if (found.empty()) {
      return {wanted, "it was asked for"};
    }
    const bool is_one = !job.layers &&
        (job.tasks < 2 || (job.parameters == 0 && !job.has_gates));
    if (!is_one) {
      refuse_route(wanted, "step", std::string(found));
    }
  }
  std::optional<Route> best;
  for (const Route route : kChosen) {
    const bool may_be = wanted != Route::kAutograd || route == wanted;
    if (may_be && obstacle(route, job).empty() &&
        (!best || cost(route, job) < cost(*best, job))) {
      best = route;
    }
  }
  return {*best, reason(*best, job)};
}

} // namespace polytask::detail
