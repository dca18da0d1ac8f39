// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/core/network.h>
#include <polytask/sharing/stage_factories.h>

#include "sharing/fresh_modules.h"

namespace polytask::detail {

/// For each task a column of modules, one for each stage, all made by the
/// stages' factories. A column is registered under its task's archive key, and
/// its modules under the stages' numbers; of trunks, which are columns of one
/// stage, the module itself.
class POLYTASK_API StageColumns : public torch::nn::Module {
 public:
  /// `owner`: who errors name. Throws where there is no stage, or a factory is
  /// empty.
  StageColumns(std::string owner, StageFactories factories);
  /// Trunks.
  StageColumns(std::string owner, std::function<Network()> factory);

  /// Calls each factory once. Throws where one gives something that a column
  /// has (see `FreshModules`), or the task is there.
  std::vector<Network> make(const std::string& task) const;
  void add(const std::string& task, std::vector<Network> column);
  /// Dtype and device of the columns, or of this one where it is the first.
  torch::TensorOptions options_with(const std::vector<Network>& column) const;
  /// With the same factories and copies of all modules.
  std::shared_ptr<StageColumns> copy(
      const std::optional<torch::Device>& device) const;

  /// What a stage of a task makes of an input. Errors name both.
  torch::Tensor run(size_t stage, size_t task, const Inputs& input) const;
  /// The same for every task, each on its own input.
  std::vector<torch::Tensor> run_all(
      size_t stage, const std::vector<Inputs>& inputs) const;
  /// Of all tasks, as one: [T, ...]. Throws, and names two tasks, where shapes
  /// differ.
  torch::Tensor stacked(
      size_t stage, const std::vector<torch::Tensor>& outputs) const;

  size_t stages() const {
    return factories_.size();
  }
  size_t tasks() const {
    return columns_.size();
  }
  /// Throw where there is no such task or stage, or not all are asked for.
  size_t checked(int64_t task) const;
  size_t checked_stage(int64_t stage) const;
  void check_all(int64_t tasks) const;
  const Network& at(size_t task, size_t stage) const {
    return columns_[task][stage];
  }
  void add_parameters(
      size_t task, size_t stage, std::vector<torch::Tensor>& all) const;
  const StageFactories& factories() const {
    return factories_;
  }

 private:
  std::string called(size_t stage) const;
  std::string called(size_t stage, const std::string& task) const;

  std::string owner_;
  bool are_trunks_ = false;
  StageFactories factories_;
  std::vector<std::string> names_;
  std::vector<std::vector<Network>> columns_;
  FreshModules known_;
};

} // namespace polytask::detail
