// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/evaluation.h>

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/check.h"

namespace polytask::fit {

namespace {

constexpr auto kMean = "mean";

Evaluation::Value find_value(
    const std::vector<Evaluation::Value>& all, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& value : all) {
    if (value.name == name) {
      return value;
    }
    names.push_back(value.name);
  }
  TORCH_CHECK_VALUE(
      false,
      "Evaluation: there is no '",
      name,
      "'; there are ",
      polytask::detail::quoted(names),
      ".");
}

} // namespace

const Evaluation::TaskValues& Evaluation::task(const std::string& name) const {
  std::vector<std::string> tasks;
  for (const auto& task : tasks_) {
    if (task.task == name) {
      return task;
    }
    tasks.push_back(task.task);
  }
  TORCH_CHECK_VALUE(
      false,
      "Evaluation: there is no task '",
      name,
      "'; there are ",
      polytask::detail::quoted(tasks),
      ".");
}

std::vector<Evaluation::Value> Evaluation::values() const {
  std::vector<Value> all;
  std::vector<Value> means;
  std::vector<int64_t> counts;
  for (const auto& task : tasks_) {
    for (const auto& value : task.values) {
      all.push_back(
          {task.task + '/' + value.name, value.value, value.higher_is_better});
      const auto place = static_cast<size_t>(
          std::find_if(
              means.begin(),
              means.end(),
              [&](const auto& other) { return other.name == value.name; }) -
          means.begin());
      if (place == means.size()) {
        means.push_back({value.name, 0, value.higher_is_better});
        counts.push_back(0);
      }
      // One without labels says nothing, and the others' mean does.
      if (task.labels > 0) {
        means[place].value += value.value;
        ++counts[place];
      }
    }
  }
  for (size_t i = 0; i < means.size(); ++i) {
    means[i].value /= static_cast<double>(counts[i]); // NaN where none has any
    means[i].name = std::string(kMean) + '/' + means[i].name;
    all.push_back(means[i]);
  }
  return all;
}

bool Evaluation::has(const std::string& name) const {
  const auto all = values();
  return std::any_of(all.begin(), all.end(), [&](const auto& value) {
    return value.name == name;
  });
}

double Evaluation::value(const std::string& name) const {
  return find_value(values(), name).value;
}

bool Evaluation::higher_is_better(const std::string& name) const {
  return find_value(values(), name).higher_is_better;
}

std::ostream& operator<<(std::ostream& stream, const Evaluation& evaluation) {
  size_t width = 4;
  for (const auto& task : evaluation.tasks()) {
    width = std::max(width, task.task.size());
  }
  for (const auto& task : evaluation.tasks()) {
    stream << fmt::format("{:{}}", task.task, width);
    for (const auto& value : task.values) {
      stream << fmt::format("  {} {:.6g}", value.name, value.value);
    }
    stream << '\n';
  }
  return stream;
}

} // namespace polytask::fit
