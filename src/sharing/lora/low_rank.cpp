// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/lora/low_rank.h"

#include <c10/util/Exception.h>
#include <torch/nn/init.h>

#include <cmath>

namespace polytask::detail {

LowRank::LowRank(LowRankForm form, const char* who)
    : torch::nn::Module("polytask::LowRank"), form_(form) {
  TORCH_CHECK_VALUE(
      form.rank >= 1,
      who,
      ": expected a rank of at least 1, but got ",
      form.rank,
      ".");
  TORCH_CHECK_VALUE(
      std::isfinite(form.scale),
      who,
      ": expected a finite scale, but got ",
      form.scale,
      ".");
  down_ = register_parameter("A", torch::empty({form.rank, form.in_features}));
  up_ = register_parameter("B", torch::zeros({form.out_features, form.rank}));
  torch::nn::init::kaiming_uniform_(down_, std::sqrt(5.0));
  if (form.trains_scale) {
    scale_ = register_parameter("scale", torch::full({1}, form.scale));
  }
}

torch::Tensor LowRank::change() const {
  return scaled(up_.matmul(down_));
}

} // namespace polytask::detail
