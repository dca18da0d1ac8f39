// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/engine/engine.h>

namespace polytask::detail {

/// What every strategy's options hand on to the engine.
template <typename StrategyOptions>
EngineOptions engine_options(const StrategyOptions& options) {
  return EngineOptions()
      .learning_rates(options.learning_rates())
      .clipping(options.clipping())
      .grad_scaler(options.grad_scaler())
      .check_losses(options.check_losses())
      .route(options.route())
      .fixed_batch(options.fixed_batch())
      .device_graph(options.device_graph())
      .communicator(options.communicator())
      .task_owners(options.task_owners())
      .check_ranks_every(options.check_ranks_every());
}

} // namespace polytask::detail
