// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace polytask::fit {

/// What was known after a step: of the steps of an epoch (split "train"), or of
/// a validation (split "validation", or the name it was given).
///
/// A name is "<task>/loss", "<task>/weight", "<task>/<metric>", or "mean/…",
/// the mean over the tasks that have it; without a slash it is of the whole:
/// "learning_rate" ("learning_rate[1]" of the second parameter group).
struct HistoryRecord {
  /// How many epochs have ended, and how many steps were taken.
  int64_t epoch = 0;
  int64_t step = 0;
  /// Since the training began, without the time between a stop and its resume.
  double seconds = 0;
  std::string split;
  /// In the order of the tasks.
  std::vector<std::pair<std::string, double>> values;

  bool operator==(const HistoryRecord& other) const = default;
};

/// What a `Fit` has seen: its records in the order of time.
///
/// ```cpp
/// for (const auto& [step, loss] : history.curve("validation", "y1/loss")) …
/// ```
class POLYTASK_API History {
 public:
  /// The value of a curve after a step.
  using Point = std::pair<int64_t, double>;

  void add(HistoryRecord record);

  const std::vector<HistoryRecord>& records() const {
    return records_;
  }
  /// All splits, and all names in one, in the order in which they first came.
  std::vector<std::string> splits() const;
  std::vector<std::string> names(const std::string& split) const;

  /// One value over time; empty if there is none of that name.
  std::vector<Point> curve(
      const std::string& split, const std::string& name) const;
  /// The last value of a curve; throws `c10::ValueError`, and lists the names
  /// there are, if there is none.
  double last(const std::string& split, const std::string& name) const;
  /// The best point of a curve; NaN is never best. Throws as `last` does, and
  /// where every value is NaN.
  Point best(
      const std::string& split,
      const std::string& name,
      bool higher_is_better = false) const;

  /// Why the training ended: "all epochs", "early stopping: …", "interrupted by
  /// SIGINT", "an error: …"; empty while it goes on.
  const std::string& stop_reason() const {
    return stop_reason_;
  }
  void stop_reason(std::string reason) {
    stop_reason_ = std::move(reason);
  }

  /// A row for each value: epoch, step, seconds, split, name, value. Numbers
  /// read back as the same double; a missing one is "nan".
  ///
  /// This and `write_json_lines` throw, with the path, if they cannot write;
  /// then the file is what it was.
  void write_csv(const std::string& path) const;
  /// An object for each record, its values under "values"; NaN and infinite
  /// ones are null.
  void write_json_lines(const std::string& path) const;

  void save(torch::serialize::OutputArchive& archive) const;
  /// Throws, and changes nothing, on the archive of anything else.
  void load(torch::serialize::InputArchive& archive);

  bool operator==(const History& other) const = default;

 private:
  std::vector<HistoryRecord> records_;
  std::string stop_reason_;
};

} // namespace polytask::fit
