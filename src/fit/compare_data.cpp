// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/compare_data.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <polytask/fit/evaluate.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "core/check.h"
#include "core/crc32c.h"
#include "core/write_file.h"
#include "fit/compare_run_file.h"

namespace polytask::fit::detail {

namespace {

constexpr auto kDataTitle = "polytask comparison data 1";

// What data.txt tells: of each tensor's name what it is.
using DataLines = std::map<std::string, std::string>;

bool is_among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string tensor_line(const at::Tensor& tensor) {
  const at::Tensor there = tensor.detach().to(at::kCPU).contiguous();
  return fmt::format(
      "{} {} {:08x}",
      c10::str(there.scalar_type()),
      c10::str(there.sizes()),
      polytask::detail::crc32c(0, there.const_data_ptr(), there.nbytes()));
}

void add_lines(
    DataLines& lines,
    const std::string& split,
    const data::Dataset& dataset,
    const std::vector<std::string>& tasks) {
  dataset.inputs().for_each(
      [&](const std::string& name, const at::Tensor& tensor) {
        lines[split + " input " + as_one_word(name)] = tensor_line(tensor);
      });
  for (const auto& [kind, tensors] :
       {std::pair{" target ", &dataset.targets()},
        std::pair{" weights ", &dataset.weights()}}) {
    for (const auto& [task, tensor] : *tensors) {
      if (is_among(tasks, task)) {
        lines[split + kind + as_one_word(task)] = tensor_line(tensor);
      }
    }
  }
}

// A line is "<split> <kind> <name> <what it is>".
DataLines read_lines(const std::string& path) {
  DataLines lines;
  std::ifstream file(path);
  std::string line;
  TORCH_CHECK_VALUE(
      std::getline(file, line) && line == kDataTitle,
      "compare: ",
      path,
      " is no list of data that this polytask reads; it begins with '",
      line,
      "'.");
  while (std::getline(file, line)) {
    size_t end = 0;
    for (int words = 0; words < 3 && end != std::string::npos; ++words) {
      end = line.find(' ', end == 0 ? 0 : end + 1);
    }
    TORCH_CHECK_VALUE(
        end != std::string::npos,
        "compare: ",
        path,
        ": cannot read the line '",
        line,
        "'.");
    lines[line.substr(0, end)] = line.substr(end + 1);
  }
  return lines;
}

} // namespace

data::Dataset with_tasks(
    const data::Dataset& dataset, const std::vector<std::string>& tasks) {
  Batch::Targets targets;
  for (const auto& task : tasks) {
    targets.emplace_back(task, dataset.target(task));
  }
  Batch::Targets weights;
  for (const auto& [task, values] : dataset.weights()) {
    if (is_among(tasks, task)) {
      weights.emplace_back(task, values);
    }
  }
  data::Dataset part(dataset.inputs(), std::move(targets));
  return weights.empty() ? part : part.with_weights(weights);
}

void check_compared_data(const CompareOptions& options) {
  for (const auto& [split, dataset] :
       {std::pair{"validation", &options.validation()},
        std::pair{"test", &options.test()}}) {
    for (const auto& task : options.train().tasks()) {
      TORCH_CHECK_VALUE(
          dataset->has(task),
          "compare: the ",
          split,
          " data lack the task '",
          task,
          "'; they have ",
          polytask::detail::quoted(dataset->tasks()),
          ".");
    }
  }
  for (const auto& [task, count] : EvaluationData(options.test()).labels()) {
    TORCH_CHECK_VALUE(
        count > 0 || !options.train().has(task),
        "compare: task '",
        task,
        "' has no label in the test data.");
  }
}

void check_folder_data(
    const std::string& folder, const CompareOptions& options) {
  DataLines lines;
  const auto tasks = options.train().tasks();
  add_lines(lines, "train", options.train(), tasks);
  add_lines(lines, "validation", options.validation(), tasks);
  add_lines(lines, "test", options.test(), tasks);

  const auto path = (std::filesystem::path(folder) / "data.txt").string();
  if (std::filesystem::exists(path)) {
    for (const auto& [name, there] : read_lines(path)) {
      const auto [here, is_new] = lines.emplace(name, there);
      TORCH_CHECK_VALUE(
          is_new || here->second == there,
          "compare: the folder ",
          folder,
          " is of other data: ",
          name,
          " was ",
          there,
          " there, and is ",
          here->second,
          " (dtype, shape, checksum); take another folder.");
    }
  }
  std::string text = std::string(kDataTitle) + '\n';
  for (const auto& [name, tensor] : lines) {
    text += name + ' ' + tensor + '\n';
  }
  polytask::detail::write_file("compare", path, text);
}

} // namespace polytask::fit::detail
