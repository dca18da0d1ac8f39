// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/training/task_sampler.h>

namespace polytask {

struct POLYTASK_API TemperatureSamplerOptions {
  TemperatureSamplerOptions(double temperature) // NOLINT: meant to be implicit
      : temperature_(temperature), final_temperature_(temperature) {}

  /// τ: 1 draws in proportion to size, a large one draws uniformly.
  TORCH_ARG(double, temperature);
  /// What τ moves to, in a straight line over the first `anneal_draws`, or over
  /// the first `anneal_epochs`, which `Training::end_epoch` counts.
  TORCH_ARG(double, final_temperature);
  TORCH_ARG(int64_t, anneal_draws) = 0;
  TORCH_ARG(int64_t, anneal_epochs) = 0;
};

/// Task t with probability proportional to n_t^(1/τ), n_t its data size.
///
/// Source: N. Arivazhagan et al., "Massively Multilingual Neural Machine
/// Translation in the Wild", arXiv 1907.05019 (2019), section 4.2.
class POLYTASK_API TemperatureSampler
    : public CloneableSampler<TemperatureSampler> {
 public:
  /// One size for each task. Throws unless temperatures are positive and
  /// finite, and if `anneal_draws` or `anneal_epochs` is negative or both are
  /// given.
  TemperatureSampler(TaskNumbers sizes, TemperatureSamplerOptions options);

  /// τ of the next draw.
  double temperature() const;
  bool reads_model() const override {
    return false;
  }

 protected:
  void bind() override;
  int64_t draw() override;

 private:
  TaskNumbers sizes_;
  TemperatureSamplerOptions options_;
  std::vector<double> by_task_;
};

} // namespace polytask
