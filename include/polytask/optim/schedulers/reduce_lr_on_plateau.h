// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <torch/arg.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace torch::optim {
class Optimizer;
} // namespace torch::optim
namespace torch::serialize {
class InputArchive;
class OutputArchive;
} // namespace torch::serialize

namespace polytask::optim {

struct POLYTASK_API ReduceLROnPlateauOptions {
  /// Whether the metric is better when it is lower or when it is higher.
  enum class Mode { kMin, kMax };
  /// Better by a part of the best value, or by an amount.
  enum class ThresholdMode { kRel, kAbs };

  TORCH_ARG(Mode, mode) = Mode::kMin;
  /// The factor of each reduction, in [0, 1).
  TORCH_ARG(double, factor) = 0.1;
  /// How many metrics in a row may be no better; the next one reduces. At least
  /// 0.
  TORCH_ARG(int64_t, patience) = 10;
  /// By how much a metric has to be better to count; finite and at least 0.
  TORCH_ARG(double, threshold) = 1e-4;
  TORCH_ARG(ThresholdMode, threshold_mode) = ThresholdMode::kRel;
  /// For how many metrics after a reduction none counts as bad; at least 0.
  TORCH_ARG(int64_t, cooldown) = 0;
  /// No rate falls below it: one for all groups, or one for each.
  TORCH_ARG(std::vector<double>, min_lr) = { 0.0 };
  /// A reduction by no more than this is not made; finite and at least 0.
  TORCH_ARG(double, eps) = 1e-8;
};

/// Multiplies all learning rates by `factor` when a metric has stopped getting
/// better, as PyTorch's ReduceLROnPlateau with the same options, to the bit.
/// It goes by what it is told and by the rates that it finds; another scheduler
/// on the same optimizer would set them anew. As in PyTorch a metric that is
/// NaN is no better than any.
///
/// ```cpp
/// polytask::optim::ReduceLROnPlateau scheduler(
///     polytask::optim::ReduceLROnPlateauOptions().patience(3));
/// scheduler.start(optimizer);
/// for (...) { train(); scheduler.step(validation_loss()); }
/// ```
class POLYTASK_API ReduceLROnPlateau {
 public:
  /// Throws on options out of range.
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});

  /// Begins anew. The optimizer must outlive the scheduler's use, with the
  /// groups that it has now. Throws unless `min_lr` has one number, or one for
  /// each group.
  void start(torch::optim::Optimizer& optimizer);
  /// Takes the metric of an epoch, and reduces the rates if it is time. Throws
  /// before `start`, and if the optimizer has gained or lost groups.
  void step(double metric);

  /// How many metrics were taken.
  int64_t steps() const {
    return steps_;
  }
  /// The best metric so far; infinite before the first.
  double best() const {
    return best_;
  }
  /// How many metrics in a row were no better.
  int64_t num_bad_epochs() const {
    return bad_;
  }
  /// The optimizer's rates, one for each group. Throws before `start`.
  std::vector<double> last_rates() const;

  /// Writes what it has seen, and the rates; options are not written. Throws
  /// before `start`.
  void save(torch::serialize::OutputArchive& archive) const;
  /// Goes on from what `save` wrote and sets the rates. Throws before `start`
  /// and, with nothing changed, on another archive or another number of groups.
  void load(torch::serialize::InputArchive& archive);

 private:
  void check_started(const char* what) const;
  bool is_better(double metric) const;
  void reduce();

  ReduceLROnPlateauOptions options_;
  torch::optim::Optimizer* optimizer_ = nullptr;
  size_t groups_ = 0;
  double best_ = std::numeric_limits<double>::infinity();
  int64_t bad_ = 0;
  int64_t cooldown_ = 0;
  int64_t steps_ = 0;
};

/// For `torch::save` and `torch::load`.
POLYTASK_API torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive,
    const ReduceLROnPlateau& scheduler);
POLYTASK_API torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, ReduceLROnPlateau& scheduler);

} // namespace polytask::optim
