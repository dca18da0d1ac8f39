// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "modes.h"

namespace polytask::benchmarks {

namespace {

constexpr int64_t kMemorySteps = 20;
constexpr const char* kMemoryContenders[] = {"loop", "step", "run", "floor"};

// In MiB.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("VmHWM:", 0) == 0) {
      return std::stod(line.substr(6)) / 1024;
    }
  }
  return 0;
}

// What this program prints for `--memory-of entry`.
double peak_memory_of(const Entry& entry) {
  const std::string command = fmt::format(
      "'{}' --memory-of '{}/{}'",
      std::filesystem::read_symlink("/proc/self/exe").string(),
      entry.job,
      entry.contender);
  double mebibytes = 0;
  std::FILE* child = popen(command.c_str(), "r");
  TORCH_CHECK(child != nullptr, "cannot start ", command);
  const int read = std::fscanf(child, "%lf", &mebibytes);
  TORCH_CHECK(pclose(child) == 0 && read == 1, command, " failed");
  return mebibytes;
}

} // namespace

namespace {

// Peak memory of a process beyond that of a step without a balancing.
void balanced_memory(const Entries& entries) {
  fmt::print(
      "\nPeak memory of a process, MiB\n\n| job | contender | MiB |\n"
      "|--|--|--:|\n");
  for (const Entry& entry : entries) {
    if (entry.job.rfind("wide", 0) == 0) {
      fmt::print(
          "| {} | {} | {:.0f} |\n",
          entry.job,
          entry.contender,
          peak_memory_of(entry));
      std::fflush(stdout);
    }
  }
}

} // namespace

int memory_of(const Entry& entry) {
  entry.make()->run(kMemorySteps);
  fmt::print("{}\n", peak_memory());
  return 0;
}

int memory(const Entries& entries) {
  fmt::print("Peak memory of a process, MiB\n\n| job |");
  for (const char* contender : kMemoryContenders) {
    fmt::print(" {} |", contender);
  }
  fmt::print("\n|--|--:|--:|--:|--:|\n");
  for (const Entry& loop : entries) {
    if (loop.contender != "loop" ||
        (loop.job != "joint (256,4096,512)" &&
         loop.job.rfind("network", 0) != 0)) {
      continue;
    }
    fmt::print("| {} |", loop.job);
    for (const char* contender : kMemoryContenders) {
      for (const Entry& entry : entries) {
        if (entry.job == loop.job && entry.contender == contender) {
          fmt::print(" {:.0f} |", peak_memory_of(entry));
          std::fflush(stdout);
        }
      }
    }
    fmt::print("\n");
  }
  balanced_memory(entries);
  return 0;
}

} // namespace polytask::benchmarks
