// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/conflict_recorder.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/csv_cell.h"
#include "core/write_file.h"

#include "heat_map.h"

namespace polytask {

namespace {

// [T] of 0 and 1.
at::Tensor taking_part(const StepReport& report) {
  at::Tensor part = report.gradients->gramian.diagonal().ne(0);
  if (report.losses.defined()) {
    part = part.logical_or(report.losses.to(at::kCPU).ne(0));
  }
  return part.to(at::kDouble);
}

double element(const at::Tensor& of, size_t row, size_t column) {
  return of.accessor<double, 2>()[static_cast<int64_t>(row)]
                                 [static_cast<int64_t>(column)];
}

double element(const at::Tensor& of, size_t place) {
  return of.accessor<double, 1>()[static_cast<int64_t>(place)];
}

std::string shown_number(const char* format, double number) {
  return std::isnan(number) ? "-" : fmt::format(fmt::runtime(format), number);
}

std::string csv_number(double number) {
  return std::isnan(number) ? "" : fmt::format("{}", number);
}

} // namespace

ConflictRecorder::ConflictRecorder(std::vector<std::string> tasks)
    : tasks_(std::move(tasks)) {
  TORCH_CHECK_VALUE(
      !tasks_.empty(), "ConflictRecorder: expected at least one task.");
  reset();
}

ConflictRecorder::ConflictRecorder(const MultiTaskModel& model)
    : ConflictRecorder(model->task_names()) {}

void ConflictRecorder::reset() {
  const auto count = static_cast<int64_t>(tasks_.size());
  steps_ = 0;
  steps_without_gradients_ = 0;
  for (auto* pairs : {&together_, &cosines_, &conflicts_}) {
    *pairs = at::zeros({count, count}, at::kDouble);
  }
  for (auto* each : {&norms_, &weighed_, &weights_, &shares_}) {
    *each = at::zeros({count}, at::kDouble);
  }
}

void ConflictRecorder::add(const StepReport& report) {
  if (!report.gradients) {
    ++steps_without_gradients_;
    return;
  }
  const auto& gradients = *report.gradients;
  const auto count = static_cast<int64_t>(tasks_.size());
  TORCH_CHECK_VALUE(
      gradients.gramian.sizes() == at::IntArrayRef({count, count}),
      "ConflictRecorder: expected the report of ",
      count,
      " tasks, but it has a Gramian ",
      gradients.gramian.sizes(),
      ".");
  const at::Tensor part = taking_part(report);
  TORCH_CHECK_VALUE(
      part.size(0) == count,
      "ConflictRecorder: expected ",
      count,
      " losses, but got ",
      part.size(0),
      ".");
  ++steps_;
  together_ += part.outer(part);
  cosines_ += gradients.cosines();
  conflicts_ += gradients.conflicts();
  norms_ += gradients.norms();
  if (gradients.weights.defined()) {
    weighed_ += part;
    weights_ += gradients.weights;
    shares_ += gradients.shares();
  }
}

at::Tensor ConflictRecorder::steps_together() const {
  return together_.clone();
}

at::Tensor ConflictRecorder::cosines() const {
  return cosines_ / together_;
}

at::Tensor ConflictRecorder::conflict_rates() const {
  return conflicts_ / together_;
}

at::Tensor ConflictRecorder::norms() const {
  return norms_ / together_.diagonal();
}

at::Tensor ConflictRecorder::weights() const {
  return weights_ / weighed_;
}

at::Tensor ConflictRecorder::shares() const {
  return shares_ / weighed_;
}

void ConflictRecorder::print(std::ostream& stream) const {
  stream << fmt::format(
      "{} step{} with gradients, {} without\n",
      steps_,
      steps_ == 1 ? "" : "s",
      steps_without_gradients_);
  if (steps_ == 0) {
    return;
  }
  size_t width = 8;
  for (const auto& task : tasks_) {
    width = std::max(width, task.size() + 2);
  }
  const at::Tensor angles = cosines();
  const at::Tensor rates = conflict_rates();
  const at::Tensor lengths = norms();
  const at::Tensor factors = weights();
  const at::Tensor parts = shares();
  stream << "mean cosine below the diagonal, steps in conflict above it\n"
         << std::string(width, ' ');
  for (const auto& task : tasks_) {
    stream << fmt::format("{:>{}}", task, width);
  }
  stream << fmt::format("{:>12}{:>10}{:>10}\n", "norm", "weight", "share");
  for (size_t i = 0; i < tasks_.size(); ++i) {
    stream << fmt::format("{:<{}}", tasks_[i], width);
    for (size_t j = 0; j < tasks_.size(); ++j) {
      const std::string cell = j == i ? "."
          : j < i ? shown_number("{:.3f}", element(angles, i, j))
                  : shown_number("{:.1f} %", 100 * element(rates, i, j));
      stream << fmt::format("{:>{}}", cell, width);
    }
    stream << fmt::format(
        "{:>12}{:>10}{:>10}\n",
        shown_number("{:.4g}", element(lengths, i)),
        shown_number("{:.3f}", element(factors, i)),
        shown_number("{:.3f}", element(parts, i)));
  }
}

void ConflictRecorder::write_csv(const std::string& path) const {
  const at::Tensor angles = cosines();
  const at::Tensor rates = conflict_rates();
  const at::Tensor lengths = norms();
  const at::Tensor factors = weights();
  const at::Tensor parts = shares();
  std::string text =
      "task,other,steps,cosine,conflict_rate,norm,weight,share\n";
  for (size_t i = 0; i < tasks_.size(); ++i) {
    for (size_t j = i; j < tasks_.size(); ++j) {
      text += fmt::format(
          "{},{},{:.0f},{},{},",
          detail::csv_cell(tasks_[i]),
          detail::csv_cell(tasks_[j]),
          element(together_, i, j),
          csv_number(element(angles, i, j)),
          csv_number(element(rates, i, j)));
      text += j > i ? ",,\n"
                    : fmt::format(
                          "{},{},{}\n",
                          csv_number(element(lengths, i)),
                          csv_number(element(factors, i)),
                          csv_number(element(parts, i)));
    }
  }
  detail::write_file("ConflictRecorder", path, text);
}

void ConflictRecorder::write_svg(const std::string& path) const {
  detail::write_file(
      "ConflictRecorder",
      path,
      detail::heat_map(
          {"Mean cosine of the tasks' gradients", tasks_, tasks_, cosines()}));
}

} // namespace polytask
