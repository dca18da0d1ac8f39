// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <benchmark/benchmark.h>

#include "modes.h"
#include "ratio_reporter.h"

namespace polytask::benchmarks {

namespace {

void time_entry(benchmark::State& state, const Entry& entry) {
  while (state.KeepRunningBatch(entry.steps)) {
    state.SetIterationTime(time_steps(entry, entry.steps));
  }
}

} // namespace

int measure(
    const Entries& entries, std::vector<char*> arguments, bool markdown) {
  // The repetitions of all benchmarks are shuffled, so that whatever else the
  // machine does meets every contender alike. Flags given on the command line
  // come later and win.
  char interleave[] = "--benchmark_enable_random_interleaving=true";
  char repetitions[] = "--benchmark_repetitions=15";
  char min_time[] = "--benchmark_min_time=0.1";
  arguments.insert(arguments.begin() + 1, {interleave, repetitions, min_time});
  auto count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    return 2;
  }
  for (const Entry& entry : entries) {
    benchmark::RegisterBenchmark(
        (entry.job + "/" + entry.contender).c_str(),
        [&](benchmark::State& state) { time_entry(state, entry); })
        ->UseManualTime();
  }
  RatioReporter reporter(entries, markdown);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}

} // namespace polytask::benchmarks
