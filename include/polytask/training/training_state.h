// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include <polytask/training/task_sampler.h>

namespace polytask {

/// Everything that a training needs to go on, but the model's parameters and
/// buffers: plain, readable values, but for the optimizer's archive.
struct POLYTASK_API TrainingState {
  /// What this polytask writes.
  static constexpr int64_t kVersion = 1;

  int64_t version = kVersion;
  /// "joint" or "alternating".
  std::string strategy;
  int64_t steps = 0;
  int64_t epochs = 0;

  std::vector<std::string> tasks;
  /// The weight of each.
  std::vector<double> weights;
  /// The model's, no tensor twice: name, dtype and shape of each.
  std::vector<std::string> parameters;
  /// Whether each of them is trained, not frozen.
  std::vector<bool> trained;

  /// The kind, by LibTorch's name: a fused one is of the kind that it fuses.
  std::string optimizer;
  /// Group, dtype and shape of each parameter that it holds.
  std::vector<std::string> optimizer_parameters;
  /// [n], bytes: the archive that it wrote.
  at::Tensor optimizer_archive;

  /// The method's name and options, and what it has learned; empty for none.
  std::string balancing;
  std::string balancing_options;
  balancing::State balancing_state;

  std::optional<SamplerState> sampler;

  /// Of the grad_scaler: the scale, and how many updates in a row were without
  /// overflow since it has grown; empty for none.
  std::vector<double> grad_scaler;

  void save(torch::serialize::OutputArchive& archive) const;
  /// Throws, and changes nothing, on an archive that holds no training's state
  /// or one that a newer polytask wrote.
  void load(torch::serialize::InputArchive& archive);
};

} // namespace polytask
