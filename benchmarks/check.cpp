// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <cstdio>
#include <map>

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
  std::map<std::string, torch::Tensor> ends; // of one job, by contender
  std::string job;
  fmt::print(
      "Differences from the loop, or from a balancing's autograd route, after "
      "{} steps: of norms, of the largest\n\n",
      kCheckSteps);
  for (const Entry& entry : entries) {
    if (entry.job != job) {
      job = entry.job;
      ends.clear();
    }
    const torch::Tensor& after = ends[entry.contender] =
        parameters_after(entry, kCheckSteps);
    if (entry.reference.empty()) {
      continue;
    }
    const torch::Tensor& expected = ends[entry.reference];
    TORCH_CHECK(
        expected.defined(), job, " has no ", entry.reference, " before");
    const torch::Tensor difference = after - expected;
    const auto norms = (difference.norm() / expected.norm()).item<double>();
    const auto largest =
        (difference.abs().max() / expected.abs().max()).item<double>();
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
        good ? "" : "  differs");
    std::fflush(stdout);
  }
  return wrong == 0 ? 0 : 1;
}

} // namespace polytask::benchmarks
