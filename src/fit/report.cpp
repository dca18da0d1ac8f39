// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/report.h>

#include <c10/util/Exception.h>

#include "core/write_file.h"
#include "fit/report/markup.h"
#include "fit/report/sections.h"

namespace polytask::fit {

namespace {

void check_pairs(
    const char* what, const at::Tensor& values, const Report& report) {
  const auto count = static_cast<int64_t>(report.tasks.size());
  TORCH_CHECK_VALUE(
      !values.defined() ||
          (values.scalar_type() == at::kDouble && values.device().is_cpu() &&
           values.sizes() == at::IntArrayRef({count, count})),
      "Report: expected ",
      what,
      " of dtype Double and shape [",
      count,
      ", ",
      count,
      "] on the CPU, but got ",
      values.toString(),
      " ",
      values.sizes(),
      ".");
}

std::string navigation(const std::string& sections) {
  std::string html = "<nav aria-label=\"Sections\">";
  for (const auto& [id, title] :
       {std::pair{"tasks", "Tasks"},
        {"curves", "Curves"},
        {"weights", "Weights"},
        {"pace", "Learning rate and time"},
        {"conflicts", "Conflicts"},
        {"mixing", "How tasks mix"},
        {"baselines", "Beside each task alone"},
        {"facts", "What was trained"}}) {
    if (sections.find(std::string("<section id=\"") + id + '"') !=
        std::string::npos) {
      html += std::string("<a href=\"#") + id + "\">" + title + "</a>";
    }
  }
  return html + "</nav>\n";
}

std::string state_of_training(const std::string& stop_reason, bool goes_on) {
  if (stop_reason.empty()) {
    return goes_on ? "<p>This training goes on.</p>" : "";
  }
  return "<p>Ended: " + detail::html_text(stop_reason) + ".</p>";
}

} // namespace

std::string report_page(const Report& report) {
  TORCH_CHECK_VALUE(report.history, "Report: expected a history.");
  check_pairs("cosines", report.cosines, report);
  check_pairs("conflict rates", report.conflict_rates, report);
  const detail::ReportData data(report);
  const std::string title =
      detail::html_text(report.title.empty() ? "Training" : report.title);
  // A page of tables alone is of no one training.
  const bool is_training =
      !report.history->records().empty() || report.tables.empty();
  const std::string sections = detail::tasks_section(data) +
      detail::baselines_section(data) + detail::tables_section(data) +
      detail::curves_section(data) + detail::weights_section(data) +
      detail::pace_section(data) + detail::conflicts_section(data) +
      detail::mixing_section(data) + detail::facts_section(data);
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\"/>\n<title>" +
      title + "</title>\n<style>" + detail::kReportStyle +
      "</style></head>\n<body>\n<header><h1>" + title + "</h1>\n" +
      state_of_training(report.history->stop_reason(), is_training) +
      detail::summary_section(data) + navigation(sections) +
      "</header>\n<main>\n" +
      (is_training && report.history->records().empty()
           ? "<p>Nothing was seen yet.</p>\n"
           : "") +
      sections + "</main>\n</body></html>\n";
}

void write_report(const std::string& path, const Report& report) {
  polytask::detail::write_file("Report", path, report_page(report));
}

} // namespace polytask::fit
