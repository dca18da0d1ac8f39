// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace polytask::benchmarks {

/// One way to do a job. All contenders of a job start from the same parameters
/// and must end at the same ones.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void run(int64_t steps) = 0;
  /// All parameters, [P]: the shared ones, then each task's weight and bias.
  virtual torch::Tensor parameters() const = 0;
  /// Optimizer state stays as it is.
  virtual void set_parameters(const torch::Tensor& flat) = 0;
};

/// A contender whose parameters are tensors of their own.
class TensorContender : public Contender {
 public:
  torch::Tensor parameters() const override;
  void set_parameters(const torch::Tensor& flat) override;

 protected:
  void take_parameters(std::vector<torch::Tensor> tensors) {
    tensors_ = std::move(tensors);
  }

 private:
  std::vector<torch::Tensor> tensors_;
};

/// A contender by name; the hand-written LibTorch loop is called "loop".
struct Entry {
  std::string job;
  std::string contender;
  /// Steps from the start until the parameters are put back: few enough that
  /// none becomes denormal.
  int64_t steps;
  std::function<std::unique_ptr<Contender>()> make;
};

using Entries = std::vector<Entry>;

/// Seconds that each of `repeats` runs of `steps` steps takes, all from the
/// same parameters, which are put back outside the time.
std::vector<double> time_runs(
    Contender& contender,
    const torch::Tensor& start,
    int64_t steps,
    int64_t repeats);

} // namespace polytask::benchmarks
