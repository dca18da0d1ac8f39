// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "known_level.h"
#include "known_mixtures.h"

namespace polytask::detail {

/// Levels of experts and gates.
class KnownExperts : public KnownMixtures {
 public:
  static bool is_kind(const Sharing& sharing);
  /// Null, with the reason, where something in it is not known.
  static std::shared_ptr<KnownExperts> make(
      const Sharing& sharing, std::string& reason);

  const char* parts() const override {
    return has_own_loss() ? "experts" : "experts and gates";
  }
  bool has_own_loss() const override;

 protected:
  Obstacle obstacle_within(const torch::Tensor& like) const override;
  void want(const std::vector<int64_t>& tasks) override;
  void run(
      const torch::Tensor& input,
      const std::vector<int64_t>& tasks,
      bool is_differentiated,
      std::vector<torch::Tensor>& features) override;
  void note_used(std::vector<torch::Tensor>& used) const override;
  void backward(
      const std::vector<torch::Tensor>& cotangents,
      const std::vector<int64_t>& losses,
      const torch::Tensor& rows) override;

 private:
  explicit KnownExperts(const Sharing& sharing) : KnownMixtures(sharing) {}

  std::vector<std::unique_ptr<KnownLevel>> levels_;
  size_t takers_ = 0;                      // the tasks, and the shared state
  std::vector<KnownLevel::Wanted> wanted_; // by level
  std::vector<torch::Tensor> states_;
};

} // namespace polytask::detail
