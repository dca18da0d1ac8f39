// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>

namespace polytask::detail {

/// The heads of a model, each registered under its task's name. An archive has
/// them under `archive_key` of it.
class Heads : public torch::nn::Module {
 public:
  Heads() : torch::nn::Module("polytask::Tasks") {}

  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;
};

} // namespace polytask::detail
