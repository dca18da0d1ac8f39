// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <utility>
#include <vector>

#include <polytask/math/matrix.h>
#include "core/host_value.h"

#include "places.h"

namespace polytask::detail {

/// The weights [n] that a method gave the tasks of a step: on the host, or
/// where the losses are, so that nobody waits for a device.
class TaskWeights {
 public:
  TaskWeights() = default;
  TaskWeights(math::Vector values) : host_(std::move(values)) {}
  /// Of losses: on the host if these are.
  explicit TaskWeights(const torch::Tensor& weights) {
    if (weights.device().is_cpu()) {
      host_ = host_values(weights);
    } else {
      there_ = weights.detach();
    }
  }

  bool empty() const {
    return host_.empty() && !there_.defined();
  }
  /// Where there are any, on a device.
  bool is_on_device() const {
    return there_.defined();
  }
  const math::Vector& host() const {
    return host_;
  }
  /// Those of the tasks at these places.
  TaskWeights select(const std::vector<int64_t>& places) const {
    if (there_.defined()) {
      return TaskWeights(
          there_.index_select(0, index_of(places, there_.device())));
    }
    math::Vector some;
    for (const int64_t place : places) {
      some.push_back(host_[static_cast<size_t>(place)]);
    }
    return some;
  }
  torch::Tensor as(const torch::TensorOptions& options) const {
    return there_.defined() ? there_.to(options) : host_vector(host_, options);
  }
  /// A tensor of task i, by its weight.
  torch::Tensor times(const torch::Tensor& tensor, size_t i) const {
    return there_.defined() ? tensor * one(i, tensor) : tensor * host_[i];
  }
  void scale(torch::Tensor& tensor, size_t i) const {
    if (there_.defined()) {
      tensor.mul_(one(i, tensor));
    } else {
      tensor.mul_(host_[i]);
    }
  }

 private:
  torch::Tensor one(size_t i, const torch::Tensor& tensor) const {
    return there_.select(0, static_cast<int64_t>(i)).to(tensor.options());
  }

  math::Vector host_;
  torch::Tensor there_;
};

} // namespace polytask::detail
