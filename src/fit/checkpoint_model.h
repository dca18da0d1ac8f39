// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <polytask/model/multi_task_model.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <polytask/core/archives.h>
#include "io/own_weights.h"

namespace polytask::fit::detail {

/// How a checkpoint holds a model: its weights by name, all else in the
/// archive. Where one of its modules saves something of its own, or it has a
/// tensor that safetensors lack or tensors that share memory, the archive has
/// the weights too.
class CheckpointModel {
 public:
  /// Into the archive; returns the weights to be written beside it. Takes twice
  /// the memory of the model's state where its modules are new.
  io::detail::StoredWeights save(
      const MultiTaskModelImpl& model,
      torch::serialize::OutputArchive& archive);
  /// All of it.
  static void save_whole(
      const MultiTaskModelImpl& model,
      torch::serialize::OutputArchive& archive);
  /// Changes nothing where it throws.
  static void load(
      torch::serialize::InputArchive& archive,
      const std::map<std::string, at::Tensor>& weights,
      MultiTaskModelImpl& model);

 private:
  bool is_whole(
      const MultiTaskModelImpl& model,
      const io::detail::StoredWeights& weights);

  /// Of the modules that it was last looked at.
  bool is_whole_ = false;
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
};

} // namespace polytask::fit::detail
