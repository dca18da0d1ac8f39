// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ostream>
#include <string>

#include <polytask/core/api.h>

namespace polytask {

/// How the engine gets from a batch to gradients. All routes give the same
/// result up to rounding; they differ in cost. All but autograd write the
/// gradients of each step to the same memory: clone what is to be kept.
enum class Route {
  /// The fastest that the model, the batch and the optimizer allow.
  kAuto,
  /// Any model, any loss: a graph and its backward. What the others equal. On a
  /// CUDA device its steps are recorded and replayed where that can be; the
  /// reason says so.
  kAutograd,
  /// Heads of known layers without a graph, linear ones behind one feature
  /// tensor as one matrix product; the trunk, or any other sharing, through
  /// autograd.
  kStackedHeads,
  /// Linear tasks on the input: buffers that are kept, no graph. With squared
  /// error and SGD, `run` takes its steps in the eigenbasis of the batch.
  kLinearProgram,
  /// The same where trunk and heads are made of layers that the engine knows.
  kTrunkProgram,
  /// A trunk of known layers without a graph, before any heads and losses; with
  /// a balancing that reads losses, one weighted backward.
  kLayers,
  // Of steps with a balancing that reads gradients; with kAutograd, such a step
  // takes one backward for each task and holds the Jacobian.
  /// One backward for all tasks at once, vectorised; holds the Jacobian.
  kBatchedJacobian,
  /// The same, layer by layer as the backward goes: holds one parameter's rows
  /// at a time, then takes one weighted backward. For any module.
  kStreamedGramian,
  /// A trunk of known layers without a graph; holds the Jacobian.
  kLayerJacobian,
  /// The same without the Jacobian: inner products from activations and
  /// cotangents, then one weighted backward.
  kLayerGramian,
  /// An upper bound in place of the gradients: those of the features alone.
  /// Never chosen, only asked for.
  ///
  /// Source: O. Sener, V. Koltun, "Multi-task learning as multi-objective
  /// optimization", NeurIPS 2018, section 3.3 (MGDA-UB).
  kFeatureGradients,
};

POLYTASK_API const char* to_string(Route route);
POLYTASK_API std::ostream& operator<<(std::ostream& stream, Route route);

/// What the engine chose, and why not something faster.
struct RouteChoice {
  Route route = Route::kAutograd;
  std::string reason;
};

/// How `run` takes many steps of linear tasks on one batch.
enum class FixedBatch {
  /// In the eigenbasis of the normal equations where that can be done and is
  /// cheaper. Only the last step writes parameters and gradients then.
  kAuto,
  /// Each step computes its residuals anew, as `step` does.
  kResidual,
  /// In the eigenbasis whatever it costs. Throws, and says why, where that
  /// cannot be: tasks that are not linear in the input, a loss that is not the
  /// squared error, an observer or a sampler that looks at each step, clipped
  /// gradients, an optimizer that is not SGD.
  kNormalEquations,
};

} // namespace polytask
