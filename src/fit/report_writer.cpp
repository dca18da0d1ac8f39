// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/report_writer.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include <polytask/fit/fit.h>

namespace polytask::fit {

namespace {

double report_clock() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

} // namespace

ReportWriter::ReportWriter(
    std::string folder, std::function<void(Report&)> complete)
    : folder_(std::move(folder)), complete_(std::move(complete)) {}

void ReportWriter::on_validation_end(
    Fit& fit, const std::string& /*split*/, const Evaluation& evaluation) {
  for (const auto& value : evaluation.values()) {
    higher_is_better_[value.name] = value.higher_is_better;
  }
  if (report_clock() >= due_) {
    write(fit);
  }
}

void ReportWriter::on_fit_end(Fit& fit) {
  write(fit);
}

void ReportWriter::write(Fit& fit) {
  const double began = report_clock();
  Report report;
  report.history = &fit.history();
  report.tasks = fit.model()->task_names();
  report.higher_is_better = higher_is_better_;
  if (complete_) {
    complete_(report);
  }
  std::filesystem::create_directories(folder_);
  write_report(
      (std::filesystem::path(folder_) / "report.html").string(), report);
  // A long history takes longer; it shall not take the training's time.
  const double ended = report_clock();
  due_ = ended + std::max(30.0, 50 * (ended - began));
}

} // namespace polytask::fit
