// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_layer.h"

#include "model/parameters.h"

namespace polytask::detail {

std::unique_ptr<KnownLayer> KnownLayer::of(
    const std::shared_ptr<torch::nn::Module>& module) {
  for (const auto make :
       {make_linear,
        make_activation,
        make_reshaping,
        make_conv2d,
        make_layer_norm,
        make_embedding}) {
    if (auto layer = make(module)) {
      return layer;
    }
  }
  return nullptr;
}

void KnownLayer::add_to_gramian(
    const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum) {
  const int64_t count = count_elements(parameters());
  if (count == 0) {
    return;
  }
  const torch::Tensor rows = torch::empty({tasks, count}, cotangents.options());
  write_rows(cotangents, rows);
  sum.add_rows(rows);
}

} // namespace polytask::detail
