// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::balancing::detail {

/// Methods count the tasks of a call. While an object of this class lives, its
/// thread knows what those are called, so that an error names them.
class POLYTASK_API TaskLabels {
 public:
  /// Of all tasks. What is handed over must live as long.
  explicit TaskLabels(const std::vector<std::string>& names);
  /// Of some of those that there are now, by place; unknown ones stay so.
  explicit TaskLabels(const std::vector<int64_t>& places);
  TaskLabels(const TaskLabels&) = delete;
  TaskLabels& operator=(const TaskLabels&) = delete;
  ~TaskLabels();

  const std::string* name_of(size_t place) const;

 private:
  const std::vector<std::string>* names_ = nullptr;
  const std::vector<int64_t>* places_ = nullptr;
  const TaskLabels* outer_;
};

/// "task 'speed'", or "task 2" where nobody knows a name.
POLYTASK_API std::string task_label(size_t place);

} // namespace polytask::balancing::detail
