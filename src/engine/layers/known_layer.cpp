// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_layer.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>

#include <polytask/sharing/residual.h>

#include "residual.h"

// Each is make_<kind> in <kind>.cpp, which gives null for a module of another.
#define POLYTASK_KINDS_OF_LAYERS(KIND) \
  KIND(linear)                         \
  KIND(activation)                     \
  KIND(reshaping)                      \
  KIND(convolution)                    \
  KIND(layer_norm)                     \
  KIND(group_norm)                     \
  KIND(embedding)                      \
  KIND(pooling)                        \
  KIND(dropout)                        \
  KIND(batch_norm)                     \
  KIND(embedding_bag)

namespace polytask::detail {

#define POLYTASK_DECLARE(kind)             \
  std::unique_ptr<KnownLayer> make_##kind( \
      const std::shared_ptr<torch::nn::Module>& module);
POLYTASK_KINDS_OF_LAYERS(POLYTASK_DECLARE)
#undef POLYTASK_DECLARE

std::unique_ptr<KnownLayer> KnownLayer::of(
    const std::shared_ptr<torch::nn::Module>& module) {
#define POLYTASK_TRY(kind)                \
  if (auto layer = make_##kind(module)) { \
    return layer;                         \
  }
  POLYTASK_KINDS_OF_LAYERS(POLYTASK_TRY)
#undef POLYTASK_TRY
  return nullptr;
}

void KnownLayer::add_to_gramian(
    const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum) {
  int64_t count = 0;
  for (const auto* parameter : parameters()) {
    count += parameter->numel();
  }
  if (count == 0) {
    return;
  }
  const torch::Tensor rows = torch::empty({tasks, count}, cotangents.options());
  write_rows(cotangents, rows);
  sum.add_rows(rows);
}

bool append_known_layers(
    const std::shared_ptr<torch::nn::Module>& module,
    KnownLayers& layers,
    std::string& reason) {
  if (exactly<torch::nn::SequentialImpl>(module)) {
    for (const auto& child : module->children()) {
      if (!append_known_layers(child, layers, reason)) {
        return false;
      }
    }
    return true;
  }
  if (const auto residual = exactly<ResidualImpl>(module)) {
    auto [begin, end] = make_residual();
    layers.push_back(std::move(begin));
    const bool is_known =
        append_known_layers(residual->inner().module(), layers, reason);
    layers.push_back(std::move(end));
    return is_known;
  }
  if (exactly<torch::nn::ReLUImpl>(module) && !layers.empty() &&
      layers.back()->rectify()) {
    return true;
  }
  auto layer = KnownLayer::of(module);
  if (!layer) {
    reason = "a '" + module->name() +
        "', which is not among the layers that the engine knows";
    return false;
  }
  layers.push_back(std::move(layer));
  return true;
}

} // namespace polytask::detail
