// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "sharing/experts/gate.h"

#include "../program/obstacle.h"
#include "parameter_places.h"
#include "reached.h"

namespace polytask::detail {

/// A gate of any kind, or one whose shares have a loss of their own: by its
/// graph, which is small beside those of experts.
class GraphGate {
 public:
  GraphGate(std::shared_ptr<Gate> gate, const ParameterPlaces& places);

  Obstacle obstacle(const torch::Tensor& like) const;
  /// [B, n] of `rows` [B, in], which themselves get no gradient.
  /// `is_differentiated`: with a graph, which stands until the next call.
  const torch::Tensor& forward(
      const torch::Tensor& rows, bool is_differentiated);
  /// From what reaches the shares, after such a forward.
  void write(const Reached& reached, const torch::Tensor& rows) const;

  /// Those that are trained.
  const std::vector<torch::Tensor>& parameters() const {
    return parameters_;
  }

 private:
  std::shared_ptr<Gate> gate_;
  std::vector<torch::Tensor> parameters_;
  std::vector<int64_t> parameter_places_;
  torch::Tensor shares_;
};

} // namespace polytask::detail
