// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "ratio_reporter.h"

#include <fmt/format.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <algorithm>
#include <utility>

namespace polytask::benchmarks {

namespace {

double median(const std::vector<double>& times) {
  return times[times.size() / 2];
}

// Half the distance between the quartiles, as percent of the median.
double spread(const std::vector<double>& times) {
  const double quartiles =
      times[times.size() * 3 / 4] - times[times.size() / 4];
  return 100 * quartiles / 2 / median(times);
}

} // namespace

bool RatioReporter::ReportContext(const Context& context) {
  GetOutputStream() << fmt::format(
      "LibTorch {}, {} thread(s), {} CPUs at {:.1f} GHz. Median microseconds "
      "per step ± half the interquartile range, and the speed-up over the "
      "hand-written loop.\n\n",
      TORCH_VERSION,
      torch::get_num_threads(),
      context.cpu_info.num_cpus,
      context.cpu_info.cycles_per_second / 1e9);
  return true;
}

void RatioReporter::ReportRuns(const std::vector<Run>& runs) {
  for (const auto& run : runs) {
    const std::string& name = run.run_name.function_name;
    if (run.error_occurred) {
      GetErrorStream() << name << ": " << run.error_message << '\n';
    } else if (run.run_type == Run::RT_Iteration) {
      times_[name].push_back(
          1e6 * run.real_accumulated_time /
          static_cast<double>(run.iterations));
    }
  }
}

void RatioReporter::Finalize() {
  for (auto& [name, times] : times_) {
    std::sort(times.begin(), times.end());
  }
  if (markdown_) {
    print_markdown();
  } else {
    print_text();
  }
}

// Null for what was not run.
const RatioReporter::Times* RatioReporter::times_of(const Entry& entry) const {
  const auto found = times_.find(entry.job + "/" + entry.contender);
  return found == times_.end() ? nullptr : &found->second;
}

// 0 where the loop was not run.
double RatioReporter::speedup(const Entry& entry) const {
  const auto loop = times_.find(entry.job + "/loop");
  return loop == times_.end() ? 0
                              : median(loop->second) / median(*times_of(entry));
}

void RatioReporter::print_text() {
  for (const Entry& entry : entries_) {
    if (const Times* times = times_of(entry)) {
      GetOutputStream() << fmt::format(
          "{:29} {:24} {:11.2f} ±{:4.1f} % {:8.2f}\n",
          entry.job,
          entry.contender,
          median(*times),
          spread(*times),
          speedup(entry));
    }
  }
}

// A row for each job; jobs with the same contenders make a table.
void RatioReporter::print_markdown() {
  std::vector<std::pair<std::string, std::string>> rows; // columns, cells
  std::string job;
  for (const Entry& entry : entries_) {
    const Times* times = times_of(entry);
    if (times == nullptr) {
      continue;
    }
    if (entry.job != job) {
      job = entry.job;
      rows.emplace_back("| job |", fmt::format("| {} |", job));
    }
    rows.back().first += fmt::format(" {} |", entry.contender);
    rows.back().second +=
        fmt::format(" {:.2f} ±{:.0f} %", median(*times), spread(*times));
    rows.back().second += entry.contender == "loop"
        ? std::string(" |")
        : fmt::format(", {:.2f}× |", speedup(entry));
  }
  std::string columns;
  for (const auto& row : rows) {
    if (row.first != columns) {
      columns = row.first;
      const auto bars = std::count(columns.begin(), columns.end(), '|');
      GetOutputStream() << '\n' << columns << "\n|--|";
      for (auto i = bars - 2; i > 0; --i) {
        GetOutputStream() << "--:|";
      }
      GetOutputStream() << '\n';
    }
    GetOutputStream() << row.second << '\n';
  }
}

} // namespace polytask::benchmarks
