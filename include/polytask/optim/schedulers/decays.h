// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

#include <utility>
#include <vector>

namespace polytask::optim {

struct POLYTASK_API StepSchedulerOptions {
  StepSchedulerOptions(int64_t step_size) : step_size_(step_size) {}

  /// How many steps pass from one change to the next; at least 1.
  TORCH_ARG(int64_t, step_size);
  /// The factor of each change, finite and at least 0.
  TORCH_ARG(double, gamma) = 0.1;
};

/// `initial_rate * gamma^floor(steps / step_size)`, as PyTorch's StepLR.
class POLYTASK_API StepScheduler : public CloneableScheduler<StepScheduler> {
 public:
  /// Throws on options out of range.
  explicit StepScheduler(const StepSchedulerOptions& options);

  std::string name() const override {
    return "StepScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  StepSchedulerOptions options_;
};

struct POLYTASK_API MultiStepSchedulerOptions {
  MultiStepSchedulerOptions(std::vector<int64_t> milestones)
      : milestones_(std::move(milestones)) {}

  /// After how many steps the rate changes, in any order; a number that stands
  /// twice counts twice. None is less than 1.
  TORCH_ARG(std::vector<int64_t>, milestones);
  /// The factor of each change, finite and at least 0.
  TORCH_ARG(double, gamma) = 0.1;
};

/// `initial_rate * gamma^(number of milestones <= steps)`, as PyTorch's
/// MultiStepLR.
class POLYTASK_API MultiStepScheduler
    : public CloneableScheduler<MultiStepScheduler> {
 public:
  /// Throws on options out of range.
  explicit MultiStepScheduler(MultiStepSchedulerOptions options);

  std::string name() const override {
    return "MultiStepScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  MultiStepSchedulerOptions options_;
};

struct POLYTASK_API ExponentialSchedulerOptions {
  ExponentialSchedulerOptions(double gamma) : gamma_(gamma) {}

  /// The factor of each step, finite and at least 0.
  TORCH_ARG(double, gamma);
};

/// `initial_rate * gamma^steps`, as PyTorch's ExponentialLR.
class POLYTASK_API ExponentialScheduler
    : public CloneableScheduler<ExponentialScheduler> {
 public:
  /// Throws on options out of range.
  explicit ExponentialScheduler(const ExponentialSchedulerOptions& options);

  std::string name() const override {
    return "ExponentialScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  ExponentialSchedulerOptions options_;
};

struct POLYTASK_API LinearSchedulerOptions {
  LinearSchedulerOptions(int64_t total_iters) : total_iters_(total_iters) {}

  /// After how many steps the factor is `end_factor`, and stays so; at least 1.
  TORCH_ARG(int64_t, total_iters);
  /// Finite and at least 0.
  TORCH_ARG(double, start_factor) = 1.0 / 3;
  TORCH_ARG(double, end_factor) = 1.0;
};

/// `initial_rate * (start + (end - start) * min(steps, total) / total)`, as
/// PyTorch's LinearLR: a warm-up, and before others in a `ChainedScheduler`
/// theirs too.
class POLYTASK_API LinearScheduler
    : public CloneableScheduler<LinearScheduler> {
 public:
  /// Throws on options out of range.
  explicit LinearScheduler(const LinearSchedulerOptions& options);

  std::string name() const override {
    return "LinearScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  LinearSchedulerOptions options_;
};

struct POLYTASK_API PolynomialSchedulerOptions {
  PolynomialSchedulerOptions(int64_t total_iters) : total_iters_(total_iters) {}

  /// After how many steps the rate is 0; at least 1.
  TORCH_ARG(int64_t, total_iters);
  /// Finite and at least 0; 1 is a straight line.
  TORCH_ARG(double, power) = 1.0;
};

/// `initial_rate * (1 - min(steps, total_iters) / total_iters)^power`, as
/// PyTorch's PolynomialLR.
class POLYTASK_API PolynomialScheduler
    : public CloneableScheduler<PolynomialScheduler> {
 public:
  /// Throws on options out of range.
  explicit PolynomialScheduler(const PolynomialSchedulerOptions& options);

  std::string name() const override {
    return "PolynomialScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  PolynomialSchedulerOptions options_;
};

} // namespace polytask::optim
