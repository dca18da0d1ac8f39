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

/// One way to do a job. All contenders of a job start from the same parameters;
/// where they end, `Entry::reference` says.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void run(int64_t steps) = 0;
  /// All parameters, [P]: the shared ones, then each task's weight and bias.
  virtual torch::Tensor parameters() const = 0;
};

/// A contender whose parameters are tensors of their own.
class TensorContender : public Contender {
 public:
  torch::Tensor parameters() const override;

 protected:
  /// Names the parameters and gives them values, [P]; undefined: their own.
  void start_from(
      std::vector<torch::Tensor> tensors, const torch::Tensor& flat);

 private:
  std::vector<torch::Tensor> tensors_;
};

/// A contender by name; the hand-written LibTorch loop is called "loop".
struct Entry {
  std::string job;
  std::string contender;
  /// Steps that are timed together, from the start of training: few enough that
  /// no number becomes denormal.
  int64_t steps;
  std::function<std::unique_ptr<Contender>()> make;
  /// The earlier contender of the job at whose parameters this one must end;
  /// empty for none.
  std::string reference = "loop";
};

using Entries = std::vector<Entry>;

/// Seconds for `steps` steps of a contender made anew, after a first one that
/// is not timed.
double time_steps(const Entry& entry, int64_t steps);

} // namespace polytask::benchmarks
