// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "affine.h"

#include <ATen/TensorOperators.h>

#include "../program/parameter_obstacle.h"

namespace polytask::detail {

Obstacle AffineParameters::obstacle(
    at::IntArrayRef shape, at::ScalarType type, torch::Device device) const {
  for (const auto* parameter : {&weight, &bias}) {
    if (parameter->defined()) {
      if (auto found = parameter_obstacle(*parameter, shape, type, device)) {
        return found;
      }
    }
  }
  return {};
}

LayerParameters AffineParameters::trained() const {
  LayerParameters all;
  for (const auto* parameter : {&weight, &bias}) {
    if (parameter->defined() && parameter->requires_grad()) {
      all.push_back(parameter);
    }
  }
  return all;
}

void AffineParameters::write_rows(
    const torch::Tensor& cotangents,
    const torch::Tensor& normalized,
    at::IntArrayRef dims,
    const torch::Tensor& rows) const {
  int64_t offset = 0;
  if (weight.defined() && weight.requires_grad()) {
    offset = weight.numel();
    rows.narrow(1, 0, offset).copy_((cotangents * normalized).sum(dims));
  }
  if (bias.defined() && bias.requires_grad()) {
    rows.narrow(1, offset, bias.numel()).copy_(cotangents.sum(dims));
  }
}

torch::Tensor through_statistics(
    const torch::Tensor& slopes,
    const torch::Tensor& normalized,
    at::IntArrayRef dims) {
  const torch::Tensor mean = slopes.mean(dims, /*keepdim=*/true);
  const torch::Tensor along =
      (slopes * normalized).mean(dims, /*keepdim=*/true);
  return (slopes - mean) - normalized * along;
}

} // namespace polytask::detail
