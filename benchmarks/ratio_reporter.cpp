// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "ratio_reporter.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <algorithm>

namespace polytask::benchmarks {

namespace {

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// Half the distance between the quartiles, as a part of the median.
double spread(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const double quartiles =
      times[times.size() * 3 / 4] - times[times.size() / 4];
  return quartiles / 2 / times[times.size() / 2];
}

} // namespace

bool RatioReporter::ReportContext(const Context& context) {
  GetOutputStream() << fmt::format(
      "LibTorch {}, {} thread(s), {} CPUs at {:.1f} GHz\n"
      "Median microseconds per step (± half the interquartile range); the "
      "ratio is to the hand-written loop.\n\n",
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
      continue;
    }
    if (run.run_type != Run::RT_Iteration) {
      continue;
    }
    const auto slash = name.rfind('/');
    const std::string job = name.substr(0, slash);
    if (times_.find(job) == times_.end()) {
      jobs_.push_back(job);
    }
    times_[job][name.substr(slash + 1)].push_back(
        run.real_accumulated_time / static_cast<double>(run.iterations) * 1e6);
  }
}

void RatioReporter::Finalize() {
  std::sort(jobs_.begin(), jobs_.end());
  for (const auto& job : jobs_) {
    const auto& contenders = times_[job];
    const auto loop = contenders.find("loop");
    for (const auto& [name, times] : contenders) {
      GetOutputStream() << fmt::format(
          "{:34} {:22} {:11.2f} ±{:4.1f} %",
          job,
          name,
          median(times),
          100 * spread(times));
      if (loop != contenders.end()) {
        GetOutputStream() << fmt::format(
            "  {:6.3f}", median(times) / median(loop->second));
      }
      GetOutputStream() << '\n';
    }
  }
}

} // namespace polytask::benchmarks
