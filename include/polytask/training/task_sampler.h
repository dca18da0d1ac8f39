// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  /// How many epochs have ended.
  int64_t epochs = 0;
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
///
/// Tasks that a step could not train, because their weight is 0
/// or because they have no label in the batch, are left out: the
/// others are drawn as if those were not there.
class POLYTASK_API TaskSampler {
 public:
  virtual ~TaskSampler() = default;
  virtual std::unique_ptr<TaskSampler> clone() const = 0;

  /// Begins a sequence over these tasks. Throws if the sampler was made for
  /// others; it is not started then.
  void start(const std::vector<std::string>& tasks, uint64_t seed);

  /// The next task, counted from 0, of all. Throws before `start`.
  int64_t next();
  /// The next of those that take part; nothing, and nothing is counted, where
  /// the sampler has none of them to draw.
  std::optional<int64_t> next(const std::vector<bool>& takes_part);

  /// Whether `observe` is to be called; reading a loss waits for its device.
  virtual bool wants_losses() const {
    return false;
  }
  /// The loss of the task that was drawn, before its step.
  virtual void observe(int64_t task, double loss);
  /// Tells, in its place, that the task that was drawn had no label in the rows
  /// that were asked for.
  virtual void pass(int64_t /*task*/) {}
  /// Tells that an epoch has ended.
  void end_epoch() {
    ++epochs_;
  }
  /// Whether a draw or an observation may look at the model, which must then
  /// have the weights of its step. A `run` that would keep them aside takes its
  /// steps one by one.
  virtual bool reads_model() const {
    return true;
  }

  /// What a draw changes, kept so that the draw can be taken back.
  struct Mark {
    int64_t draws = 0;
    std::mt19937_64 generator;
    std::vector<double> values;
  };
  Mark mark() const {
    return {draws_, generator_, values()};
  }
  /// Goes back to a mark that this sampler made.
  void take_back(const Mark& mark);

  SamplerState state() const;
  /// Continues the sequence of `state` to the last draw. Throws before `start`
  /// and on the state of another kind of sampler or of other tasks.
  void restore(const SamplerState& state);

 protected:
  /// What `draw` gives where it has nobody to draw.
  static constexpr int64_t kNobody = -1;

  /// Reads what was given by task name; `tasks` are set.
  virtual void bind() {}
  /// One of the tasks of `takes_part`, which has at least one, or nobody.
  virtual int64_t draw() = 0;
  virtual std::vector<double> values() const {
    return {};
  }
  /// Whether values, of the right number, are such as `values` gives.
  virtual bool are_values(const std::vector<double>& /*values*/) const {
    return true;
  }
  virtual void set_values(const std::vector<double>& /*values*/) {}

  const std::vector<std::string>& tasks() const {
    return tasks_;
  }
  /// Within `draw`: whether each task takes part.
  const std::vector<bool>& takes_part() const {
    return takes_part_ ? *takes_part_ : everybody_;
  }
  int64_t draws() const {
    return draws_;
  }
  int64_t epochs() const {
    return epochs_;
  }
  std::mt19937_64& generator() {
    return generator_;
  }
  /// The numbers in task order. Throws if a task lacks one or has
  /// two, one is no task's, negative or not finite, or if all are 0.
  std::vector<double> by_task(const TaskNumbers& numbers) const;
  /// A random number in [0, 1).
  double uniform();
  /// Draws one that takes part with probability proportional to its number;
  /// nobody where all numbers are 0.
  int64_t draw_proportionally(const std::vector<double>& numbers);

 private:
  std::string kind() const;
  void check_started(const char* what) const;

  std::vector<std::string> tasks_;
  std::vector<bool> everybody_;
  /// Set while a draw that was told of it goes on.
  const std::vector<bool>* takes_part_ = nullptr;
  int64_t draws_ = 0;
  int64_t epochs_ = 0;
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
