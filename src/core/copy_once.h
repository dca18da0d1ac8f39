// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <unordered_map>

#include <polytask/core/api.h>

namespace polytask::detail {

/// While one stands, networks of one module get one copy of it by
/// `Network::clone` on this thread: what is tied stays tied.
class POLYTASK_API CopyOnce {
 public:
  using Copies = std::unordered_map<
      const torch::nn::Module*,
      std::shared_ptr<torch::nn::Module>>;

  CopyOnce();
  ~CopyOnce();
  CopyOnce(const CopyOnce&) = delete;
  CopyOnce& operator=(const CopyOnce&) = delete;

  /// Those made so far; null where none stands.
  static Copies* copies();

 private:
  Copies own_;
  bool is_outermost_;
};

} // namespace polytask::detail
