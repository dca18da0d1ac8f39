// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::fit {

/// By how much a value is better than that of the task alone, in percent:
/// ±100 (value - alone) / |alone|. NaN where the task alone is at 0 or at no
/// finite number, for then there is nothing to compare with.
POLYTASK_API double better_by_percent(
    double value, double alone, bool higher_is_better);

/// Delta-m: the mean of `better_by_percent` over the tasks; positive is better
/// than alone. Tasks with nothing to compare with are left out; NaN where that
/// is all of them, and where another task's value is NaN. Throws
/// `c10::ValueError` unless there is one number of each kind for each task.
///
/// Source: K.-K. Maninis, I. Radosavovic, I. Kokkinos, "Attentive
/// single-tasking of multiple tasks", CVPR 2019, the average per-task drop,
/// https://arxiv.org/abs/1904.08918. We divide by |alone|, so that the sign is
/// right for values below 0 too.
POLYTASK_API double delta_m(
    const std::vector<double>& values,
    const std::vector<double>& alone,
    const std::vector<bool>& higher_is_better);

/// What `compare` found: each task's value on the test rows, for each method
/// and seed.
///
/// ```cpp
/// std::cout << comparison;
/// comparison.write_csv("runs/compare.csv");
/// ```
class POLYTASK_API Comparison {
 public:
  /// By which value a task is judged.
  struct Task {
    std::string name;
    std::string metric = "loss";
    bool higher_is_better = false;
  };

  struct Method {
    std::string name;
    /// [T][S]: of each task and seed.
    std::vector<std::vector<double>> values;
    /// [S]. Of tasks alone these are sums over the tasks.
    std::vector<int64_t> steps;
    std::vector<double> seconds;
  };

  /// Over the seeds; the sample's deviation, NaN of one seed.
  struct Spread {
    double mean = 0;
    double deviation = 0;
  };

  /// The first method is what the others are compared with: the tasks alone.
  /// `facts` are told in the report. Throws `c10::ValueError`, by name, where
  /// there is no seed, task or method, and where a method has another number
  /// of values.
  Comparison(
      std::vector<uint64_t> seeds,
      std::vector<Task> tasks,
      std::vector<Method> methods,
      std::vector<std::pair<std::string, std::string>> facts = {});

  const std::vector<uint64_t>& seeds() const {
    return seeds_;
  }
  const std::vector<Task>& tasks() const {
    return tasks_;
  }
  const std::vector<Method>& methods() const {
    return methods_;
  }
  const std::vector<std::pair<std::string, std::string>>& facts() const {
    return facts_;
  }

  /// This and what follows throw `c10::ValueError`, and list the names there
  /// are, for a method or task that there is not.
  const Method& method(const std::string& name) const;
  /// A task's value on the test rows for each seed, [S], and its spread.
  const std::vector<double>& values(
      const std::string& method, const std::string& task) const;
  Spread spread(const std::string& method, const std::string& task) const;
  /// Delta-m for each seed, [S], against the tasks alone with the same seed,
  /// and its spread.
  std::vector<double> delta_m(const std::string& method) const;
  Spread delta_m_spread(const std::string& method) const;
  /// Tasks that are in no Delta-m, since alone they are at 0, or at no finite
  /// number, with some seed.
  const std::vector<std::string>& left_out() const {
    return left_out_;
  }

  /// A line for each method, or with more than eight tasks a column; then what
  /// the numbers are.
  std::string markdown() const;
  /// A row for each number: method, seed, task, metric, value,
  /// better_by_percent. Delta-m, steps and seconds have no task. Numbers read
  /// back as the same double; a missing one is "nan".
  std::string csv() const;

  /// The same as files, and as a page of HTML (`write_report`). They throw,
  /// with the path, if they cannot write; then the file is what it was.
  void write_markdown(const std::string& path) const;
  void write_csv(const std::string& path) const;
  void write_report(
      const std::string& path, const std::string& title = "Comparison") const;

 private:
  size_t index(const std::string& task) const;

  std::vector<uint64_t> seeds_;
  std::vector<Task> tasks_;
  std::vector<Method> methods_;
  std::vector<std::pair<std::string, std::string>> facts_;
  std::vector<std::string> left_out_;
};

/// The table of `markdown`.
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const Comparison& comparison);

} // namespace polytask::fit
