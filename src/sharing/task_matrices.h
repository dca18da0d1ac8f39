// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Parameters of a row and a column for each task, called "0", "1", ...:
/// [T, T], or [C, T, T] where they have C channels.
class POLYTASK_API TaskMatrices : public torch::nn::Module {
 public:
  /// What one starts with for T tasks: float64, [T, T].
  using Start = std::function<torch::Tensor(int64_t tasks)>;

  /// `channels`: of each; 0 for one without channels.
  TaskMatrices(std::vector<int64_t> channels, Start start);

  /// For one more task, as new parameters. One that holds what it started with
  /// starts anew; one that has been changed keeps what it has, takes nothing
  /// (0) of the new task, and has the start's last row.
  void grow(const torch::TensorOptions& options);
  std::shared_ptr<TaskMatrices> copy(
      const std::optional<torch::Device>& device) const;

  size_t size() const {
    return channels_.size();
  }
  const torch::Tensor& at(size_t i) const;
  int64_t channels(size_t i) const {
    return channels_[i];
  }
  /// [T, T]: the mean over the channels, detached.
  torch::Tensor mean(size_t i) const;
  /// Throws, and names `owner`, where those of so many tasks would have more
  /// than 2^28 numbers.
  void check_size(const char* owner, int64_t tasks) const;

 private:
  torch::Tensor start_of(size_t i, int64_t tasks) const;

  std::vector<int64_t> channels_;
  Start start_;
  int64_t tasks_ = 0;
};

/// Of what all tasks made, [T, ...], the sums that the rows of `weights`, [R,
/// T], say: [R, ...].
POLYTASK_API torch::Tensor mixed_rows(
    const torch::Tensor& weights, const torch::Tensor& all);

} // namespace polytask::detail
