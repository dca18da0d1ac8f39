// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// Each is what the program does for one option; they return its exit status.

/// Times every contender with google-benchmark.
int measure(
    const Entries& entries, std::vector<char*> arguments, bool markdown);

/// Compares the parameters after a few steps with those of `Entry::reference`.
int check(const Entries& entries);

/// Peak memory of some jobs, each contender in a process of its own.
int memory(const Entries& entries);
int memory_of(const Entry& entry);

/// How the time of a step grows with T, B and d, as CSV.
int growth();

/// Times one call of every balancing method. Writes the Jacobians to a folder
/// where one is named, for other libraries.
int weights(const std::string& folder);

/// One contender on given data: parameters into a file, times as a JSON line.
struct PeerRun {
  std::string parameters;
  int64_t check_steps = 50;
  int64_t steps = 100;
  int64_t repeats = 5;
};
int peer(const Entry& entry, const PeerRun& options);

} // namespace polytask::benchmarks
