// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>
#include <c10/util/SmallVector.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include "core/check.h"

#include "../balanced/gramian_sum.h"
#include "../program/obstacle.h"

namespace polytask::detail {

/// Where a module keeps its parameters. On the stack, for they are looked at in
/// each step.
using LayerParameters = c10::SmallVector<const torch::Tensor*, 2>;

/// A layer that the engine differentiates by hand, for n tasks at once: their
/// cotangents stand one after the other, [n · B, ...], on one forward of B
/// rows.
///
/// Parameters are read anew in each step, for the user may move, freeze or
/// replace them.
class KnownLayer {
 public:
  virtual ~KnownLayer() = default;

  /// Null where the module is none of the known kinds, or is derived from one.
  static std::unique_ptr<KnownLayer> of(
      const std::shared_ptr<torch::nn::Module>& module);

  /// What changes from step to step: the mode, the parameters' memory, hooks.
  virtual Obstacle obstacle(
      at::ScalarType type, torch::Device device) const = 0;
  /// Those that are to be trained, in the module's order.
  virtual LayerParameters parameters() const {
    return {};
  }
  /// Keeps what the backward needs; overwritten by the next call.
  virtual torch::Tensor forward(const torch::Tensor& input) = 0;

  /// What `write_rows` and `add_to_gramian` cost after this forward, in
  /// nanoseconds.
  struct Costs {
    double rows = 0;
    double gramian = 0;
  };
  virtual Costs costs(int64_t /*tasks*/) const {
    return {};
  }

  /// Writes the gradients of `parameters()` to `rows` [n, own N], whose rows
  /// may stand apart.
  virtual void write_rows(
      const torch::Tensor& /*cotangents*/, torch::Tensor /*rows*/) {}
  /// Adds their inner products; holds no more than a part of the rows where
  /// that can be avoided.
  virtual void add_to_gramian(
      const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum);
  /// From the cotangents of the output to those of the input. May write to
  /// `cotangents`, unless the layer has parameters or keeps cotangents: those
  /// of the highest such layer are sent down several times.
  virtual torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) = 0;
  /// Whether its input is integers, which no other layer takes.
  virtual bool takes_indices() const {
    return false;
  }
  /// Whether its next forward takes numbers from a generator.
  virtual bool draws() const {
    return false;
  }
  /// Whether it gives a matrix [B, any] for every matrix [B, d] it takes.
  virtual bool maps_rows() const {
    return false;
  }
  /// Takes a ReLU behind the layer into it. False where it cannot.
  virtual bool rectify() {
    return false;
  }
  virtual bool is_rectified() const {
    return false;
  }
  /// Before anything else of a backward: what that ReLU lets through of
  /// `cotangents` [n · B, ...], contiguous, in place.
  virtual void mask(
      const torch::Tensor& /*cotangents*/, int64_t /*tasks*/) const {}
  /// Whether a layer below adds what `backward` keeps here, so that the same
  /// tasks have to go through both.
  virtual bool keeps_cotangents() const {
    return false;
  }
};

using KnownLayers = std::vector<std::unique_ptr<KnownLayer>>;

/// Appends the layers that a module consists of, in the order of their
/// parameters. False, with the reason, where the engine does not know one.
bool append_known_layers(
    const std::shared_ptr<torch::nn::Module>& module,
    KnownLayers& layers,
    std::string& reason);

// What the kinds have in common.

/// The module as an `Impl`; null where it is another, or derived from one.
template <typename Impl>
std::shared_ptr<Impl> exactly(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& given = *module;
  return typeid(given) == typeid(Impl) ? std::static_pointer_cast<Impl>(module)
                                       : nullptr;
}

/// What `run` gives for an input; names the module where it throws.
template <typename Run>
auto run_on(
    const torch::Tensor& input,
    const torch::nn::Module& module,
    const Run& run) {
  try {
    return run();
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        module.name(), " cannot take an input of shape ", input.sizes(), ": "));
  }
}

/// [B, ...] with n times as many rows.
inline std::vector<int64_t> with_tasks(at::IntArrayRef shape, int64_t tasks) {
  auto all = shape.vec();
  all[0] *= tasks;
  return all;
}

/// [n · B, ...] as [n, B, ...], the same memory.
inline torch::Tensor by_task(const torch::Tensor& cotangents, int64_t tasks) {
  return cotangents.unflatten(0, {tasks, cotangents.size(0) / tasks});
}

} // namespace polytask::detail
