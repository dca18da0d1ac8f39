// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/core/api.h>
#include <polytask/core/step_report.h>
#include <polytask/engine/engine.h>

namespace polytask {

struct POLYTASK_API BackwardOptions {
  /// What all but the shared parameters learn from.
  TORCH_ARG(HeadGradients, head_gradients) = HeadGradients::kAsMethod;
  /// Keep the graph for another backward.
  TORCH_ARG(bool, retain_graph) = false;
  /// Report the tasks' inner products also with a method that does not need
  /// them but reads the Jacobian.
  TORCH_ARG(bool, report_gradients) = false;
};

/// A backward of T losses for people with modules, a graph and a loop of their
/// own: what `losses.sum().backward()` would be, with the tasks weighed against
/// each other. Adds to `.grad`, as autograd does; what stands there is kept.
///
/// The shared parameters get the method's update of the T gradients; every
/// other leaf that the losses reach gets what a `JointTraining` gives it, which
/// is each task's own gradient, times its weight with methods that read losses.
/// The gradients of what such a method learns are added to those of its
/// `parameters()`, which belong in the optimizer.
///
/// `losses`: T scalars with their graph, each times its task's weight where it
/// has one. `shared_parameters`: leaves of one dtype and device. `method`: set
/// up for T tasks at its first call; it learns as in a training, but the
/// losses after the update, which FAMO wants, are the caller's to hand over
/// (`observe_after`).
///
/// Costs one backward with a method that reads losses, and T and one with one
/// that reads gradients, whose Jacobian [T, N] is held.
///
/// Throws `c10::ValueError`, with no gradient changed, on a loss that is no
/// scalar, has no graph or is not finite (looked at on the CPU only), on shared
/// parameters of several dtypes or devices or with a sparse gradient, and with
/// a method that needs several batches or gradients for a representation.
///
/// ```cpp
/// auto method = polytask::balancing::make("upgrad");
/// auto features = trunk->forward(x);
/// optimizer.zero_grad();
/// polytask::backward(
///     {mse(speed->forward(features), y1), mse(angle->forward(features), y2)},
///     trunk->parameters(),
///     *method);
/// optimizer.step();
/// ```
POLYTASK_API StepReport backward(
    const std::vector<at::Tensor>& losses,
    const std::vector<at::Tensor>& shared_parameters,
    balancing::Balancing& method,
    const BackwardOptions& options = {});

} // namespace polytask
