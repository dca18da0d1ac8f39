// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <cstdio>

#include "modes.h"

namespace polytask::benchmarks {

namespace {

constexpr int64_t kCheckSteps = 20;
constexpr double kTolerance = 1e-4;

torch::Tensor parameters_after(const Entry& entry, int64_t steps) {
  const auto contender = entry.make();
  contender->run(steps);
  return contender->parameters();
}

} // namespace

int check(const Entries& entries) {
  int wrong = 0;
  torch::Tensor loop;
  std::string job;
  fmt::print(
      "Differences from the loop after {} steps: of norms, of the largest\n\n",
      kCheckSteps);
  for (const Entry& entry : entries) {
    const torch::Tensor after = parameters_after(entry, kCheckSteps);
    if (entry.job != job) {
      TORCH_CHECK(entry.contender == "loop", entry.job, " has no loop first");
      job = entry.job;
      loop = after;
    }
    const torch::Tensor difference = after - loop;
    const auto norms = (difference.norm() / loop.norm()).item<double>();
    const auto largest =
        (difference.abs().max() / loop.abs().max()).item<double>();
    // The norms decide: Adam divides rounding errors by themselves where a
    // gradient is as small as they are, so that single parameters may differ.
    const bool good = norms <= kTolerance; // false for NaN
    wrong += good ? 0 : 1;
    fmt::print(
        "{:30} {:26} {:8.1e} {:8.1e}{}\n",
        entry.job,
        entry.contender,
        norms,
        largest,
        good ? "" : "  differs from the loop");
    std::fflush(stdout);
  }
  return wrong == 0 ? 0 : 1;
}

} // namespace polytask::benchmarks
