// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace polytask::benchmarks {

/// Prints one row for each job: the median time of the hand-written loop, that
/// of each other contender, and the ratio of the two. Benchmarks are named
/// `job/contender`; the loop is the contender "loop".
class RatioReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  /// Times of one step in microseconds, one for each repetition.
  using Times = std::vector<double>;

  std::vector<std::string> jobs_;
  std::map<std::string, std::map<std::string, Times>> times_;
};

} // namespace polytask::benchmarks
