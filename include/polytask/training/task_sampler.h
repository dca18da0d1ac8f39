// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// Everything a sampler needs to go on where it was: plain, readable values.
struct SamplerState {
  /// The kind of sampler and the tasks that it draws from, by which `restore`
  /// knows a state that is not its own.
  std::string sampler;
  std::vector<std::string> tasks;
  /// How many tasks were drawn.
  int64_t draws = 0;
  /// The generator (std::mt19937_64), as its stream operator writes it.
  std::string generator;
  /// What the kind of sampler keeps besides, such as smoothed losses.
  std::vector<double> values;

  bool operator==(const SamplerState&) const = default;
};

/// A number for each task, by name: data sizes, ratios.
using TaskNumbers = std::vector<std::pair<std::string, double>>;

/// Draws the task of the next alternating step. The same seed gives the same
/// sequence on every machine.
class POLYTASK_API TaskSampler {
 public:
  virtual ~TaskSampler() = default;
  virtual std::unique_ptr<TaskSampler> clone() const = 0;

  /// Begins a sequence over these tasks. Throws if the sampler was made for
  /// others; it is not started then.
  void start(const std::vector<std::string>& tasks, uint64_t seed);

  /// The next task, counted from 0. Throws before `start`.
  int64_t next();

  /// Whether `observe` is to be called; reading a loss waits for its device.
  virtual bool wants_losses() const {
    return false;
  }
  /// The loss of the task that was drawn, before its step.
  virtual void observe(int64_t task, double loss);

  SamplerState state() const;
  /// Continues the sequence of `state` to the last draw. Throws before `start`
  /// and on the state of another kind of sampler or of other tasks.
  void restore(const SamplerState& state);

 protected:
  /// Reads what was given by task name; `tasks` are set.
  virtual void bind() {}
  virtual int64_t draw() = 0;
  virtual std::vector<double> values() const {
    return {};
  }
  virtual void set_values(const std::vector<double>& /*values*/) {}

  const std::vector<std::string>& tasks() const {
    return tasks_;
  }
  int64_t draws() const {
    return draws_;
  }
  std::mt19937_64& generator() {
    return generator_;
  }
  /// The numbers in task order. Throws if a task lacks one or has
  /// two, one is no task's, negative or not finite, or if all are 0.
  std::vector<double> by_task(const TaskNumbers& numbers) const;
  /// A random number in [0, 1).
  double uniform();
  /// Draws a task with probability proportional to its number.
  int64_t draw_proportionally(const std::vector<double>& numbers);

 private:
  std::string kind() const;

  std::vector<std::string> tasks_;
  int64_t draws_ = 0;
  std::mt19937_64 generator_;
};

/// Gives a sampler its `clone`.
template <typename Derived>
class CloneableSampler : public TaskSampler {
 public:
  std::unique_ptr<TaskSampler> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

} // namespace polytask
