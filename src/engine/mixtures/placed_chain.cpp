// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "placed_chain.h"

#include <utility>

namespace polytask::detail {

std::optional<PlacedChain> PlacedChain::make(
    const char* part,
    const std::shared_ptr<torch::nn::Module>& module,
    const ParameterPlaces& places,
    std::string& reason) {
  KnownLayers layers;
  if (!append_known_layers(module, layers, reason)) {
    reason = part + (" has " + reason);
    return {};
  }
  if (layers.empty()) {
    reason = part + std::string(" is empty");
    return {};
  }
  auto chain =
      LayerChain::make(std::move(layers), module->parameters(), reason);
  if (!chain) {
    return {};
  }
  const int64_t place = places.of_all(chain->parameters());
  if (place < 0) {
    reason = part + std::string("'s parameters do not stand together");
    return {};
  }
  return PlacedChain(std::move(chain), place);
}

torch::Tensor PlacedChain::write(
    const Reached& reached,
    const torch::Tensor& rows,
    bool sends,
    bool is_masked) {
  if (!rows_.is_same(rows) || first_ != reached.first ||
      count_ != reached.count) {
    parts_ = layers_->parts(rows.narrow(0, reached.first, reached.count)
                                .narrow(1, place_, layers_->elements()));
    rows_ = rows;
    first_ = reached.first;
    count_ = reached.count;
  }
  if (sends) {
    return layers_
        ->send_through(reached.values, reached.count, parts_, is_masked)
        .contiguous();
  }
  layers_->write_rows(
      layers_->descend(reached.values, reached.count, is_masked),
      reached.count,
      parts_,
      is_masked);
  return {};
}

} // namespace polytask::detail
