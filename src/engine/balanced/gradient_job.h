// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <polytask/engine/route.h>

#include "../layers/known_layer.h"

namespace polytask::detail {

/// What decides how the gradients of the tasks in one step are found.
struct GradientJob {
  /// What is wanted of them: their weighted sum, which one backward gives,
  /// their inner products, or the gradients themselves.
  enum class Needs { kSum, kGramian, kJacobian };

  Needs needs = Needs::kSum;
  int64_t tasks = 0;
  int64_t rows = 0;       // B
  int64_t parameters = 0; // N
  bool has_gates = false; // of single tasks, in what they share
  int64_t element_size = 0;
  /// Of the trunk's layers, where they take no graph.
  std::optional<KnownLayer::Costs> layers;
  /// Else why they take one.
  std::string why_graph;
  /// Why they are not all behind one feature tensor; empty where they are.
  std::string apart;
  /// Some loss reaches a shared parameter by itself.
  bool has_shared_strays = false;
  /// The graph reaches leaves that are not shared.
  bool has_strays = false;
  /// Something in the backward cannot be vectorised.
  bool refuses_batches = false;
};

/// Why a route cannot take it; empty where it can. Good as long as the job.
std::string_view obstacle(Route route, const GradientJob& job);

/// In nanoseconds, on one core.
double cost(Route route, const GradientJob& job);

/// The one that is wanted, or the cheapest that can take it; and why. Throws
/// where that which is wanted cannot.
RouteChoice choose_route(Route wanted, const GradientJob& job);

} // namespace polytask::detail
