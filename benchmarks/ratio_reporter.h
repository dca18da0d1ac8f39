// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "contender.h"

namespace polytask::benchmarks {

/// For each job and contender prints the median time of a step, its spread, and
/// the speed-up over the job's "loop". Benchmarks are named `job/contender`.
class RatioReporter : public benchmark::BenchmarkReporter {
 public:
  /// Rows come in the order of `entries`, as text or as Markdown.
  RatioReporter(const Entries& entries, bool markdown)
      : entries_(entries), markdown_(markdown) {}

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  /// Microseconds per step, one for each repetition, in order.
  using Times = std::vector<double>;

  const Times* times_of(const Entry& entry) const;
  double speedup(const Entry& entry) const;
  void print_text();
  void print_markdown();

  const Entries& entries_;
  bool markdown_;
  std::map<std::string, Times> times_;
};

} // namespace polytask::benchmarks
