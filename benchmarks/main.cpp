// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <benchmark/benchmark.h>
#include <torch/utils.h>

#include <vector>

#include "linear_tasks.h"
#include "ratio_reporter.h"

int main(int argc, char** argv) {
  // One thread, and the repetitions of all benchmarks shuffled, so that
  // whatever else the machine does meets every contender alike. Flags given on
  // the command line come later and win.
  torch::set_num_threads(1);
  std::vector<char*> arguments{argv[0]};
  char interleave[] = "--benchmark_enable_random_interleaving=true";
  char repetitions[] = "--benchmark_repetitions=15";
  char min_time[] = "--benchmark_min_time=0.1";
  arguments.insert(arguments.end(), {interleave, repetitions, min_time});
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  auto count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    return 2;
  }
  polytask::benchmarks::register_linear_tasks();
  polytask::benchmarks::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
