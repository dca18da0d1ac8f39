// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include <polytask/core/inputs.h>
#include <polytask/core/labels.h>

namespace polytask::detail {

/// A task that takes part in a step: it has a weight and a label.
struct HeadStep {
  int64_t task;
  /// The input where it is one tensor; undefined where there are several.
  const at::Tensor* input;
  const Labels* labels;
  double weight;
  const Inputs* inputs;
  /// Of mixed precision.
  double scale = 1;

  /// What the gradients of its loss are multiplied by.
  double seed() const {
    return weight * scale;
  }
};

using HeadSteps = std::vector<HeadStep>;

} // namespace polytask::detail
