// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <cstdint>

#include <polytask/core/api.h>

namespace polytask::fit {

/// When checkpoints are written, and which stay. One is written in any case
/// where the training ends or is interrupted. 0 is never.
struct POLYTASK_API CheckpointOptions {
  TORCH_ARG(int64_t, every_epochs) = 1;
  TORCH_ARG(int64_t, every_steps) = 0;
  /// Whatever the others say, so much is lost at most by a kill.
  TORCH_ARG(double, every_seconds) = 300;
  /// None within so many seconds after the last, for writing one takes time:
  /// where epochs are short, a few of them are then taken again after a kill.
  TORCH_ARG(double, not_within_seconds) = 1;
  /// The newest ones that stay; at least 1.
  TORCH_ARG(int64_t, keep_last) = 3;
  /// Write one at each best validation, unless the last is too new, and keep
  /// the newest of them. The best weights are in every checkpoint.
  TORCH_ARG(bool, keep_best) = true;
  /// Keep each one that stands at a multiple of so many epochs.
  TORCH_ARG(int64_t, keep_every_epochs) = 0;
};

} // namespace polytask::fit
