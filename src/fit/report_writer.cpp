// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/report_writer.h>

#include <filesystem>
#include <utility>

#include <polytask/fit/fit.h>

#include "fit/step_clock.h"

namespace polytask::fit {

ReportWriter::ReportWriter(
    std::string folder, std::function<void(Report&)> complete)
    : folder_(std::move(folder)), complete_(std::move(complete)) {}

void ReportWriter::on_validation_end(
    Fit& fit, const std::string& /*split*/, const Evaluation& evaluation) {
  for (const auto& value : evaluation.values()) {
    higher_is_better_[value.name] = value.higher_is_better;
  }
  if (polytask::detail::steady_seconds() >= due_) {
    write(fit);
  }
}

void ReportWriter::on_fit_end(Fit& fit) {
  write(fit);
}

void ReportWriter::write(Fit& fit) {
  const double began = polytask::detail::steady_seconds();
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
  due_ = polytask::detail::next_write(began, 30);
}

} // namespace polytask::fit
