// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "linear_tasks.h"
#include "modes.h"

namespace polytask::benchmarks {

namespace {

constexpr double kGrowthRate = 1e-3;

// Seconds per step.
double fastest(const Entry& entry, int64_t steps, int repeats) {
  double seconds = time_steps(entry, steps);
  for (int i = 1; i < repeats; ++i) {
    seconds = std::min(seconds, time_steps(entry, steps));
  }
  return seconds / static_cast<double>(steps);
}

// One line for each contender.
void print_growth(const char* axis, int64_t value, const LinearSize& size) {
  Entries entries;
  add_joint_linear(entries, size, {});
  for (const Entry& entry : entries) {
    if (entry.contender.rfind("step,", 0) == 0) {
      continue;
    }
    const double step = fastest(entry, 1, 2);
    if (entry.contender == "loop" && step > 0.5) {
      continue; // too long to be repeated
    }
    // Batches of about 50 ms.
    const auto steps =
        std::clamp(static_cast<int64_t>(0.05 / step), int64_t{1}, int64_t{300});
    fmt::print(
        "{},{},{},{:.3f}\n",
        axis,
        value,
        entry.contender,
        1e6 * fastest(entry, steps, 5));
    std::fflush(stdout);
  }
}

} // namespace

int growth() {
  fmt::print("axis,value,contender,microseconds\n");
  for (int64_t tasks = 2; tasks <= 1024; tasks *= 2) {
    print_growth("T", tasks, {tasks, 256, 16, kGrowthRate, 1});
  }
  for (int64_t rows = 100; rows <= 1000000; rows *= 10) {
    print_growth("B", rows, {4, rows, 8, kGrowthRate, 1});
  }
  for (int64_t features = 2; features <= 4096; features *= 2) {
    print_growth("d", features, {4, 256, features, kGrowthRate, 1});
  }
  return 0;
}

} // namespace polytask::benchmarks
