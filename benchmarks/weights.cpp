// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "modes.h"

namespace polytask::benchmarks {

namespace {

using balancing::Balancing;
using balancing::Reads;

struct MethodCase {
  const char* name;
  balancing::OptionValues options;
};

const std::vector<MethodCase>& method_cases() {
  static const std::vector<MethodCase> cases{
      {"sum", {}},
      {"random", {}},
      {"uncertainty_weighting", {}},
      {"dwa", {}},
      {"geometric_mean", {}},
      {"imtl_l", {}},
      {"famo", {}},
      {"stch", {{"mu", 1.0}}},
      {"mgda", {}},
      {"pcgrad", {}},
      {"gradvac", {}},
      {"cagrad", {{"c", 0.5}}},
      {"nash_mtl", {}},
      {"fairgrad", {{"alpha", 1.0}}},
      {"imtl_g", {}},
      {"aligned_mtl", {}},
      {"upgrad", {}},
      {"dualproj", {}},
      {"krum", {{"n_byzantine", 0}}},
      {"pcd", {}},
      {"cr_mogm", {}},
      {"modo", {}},
      {"sdmgrad", {}},
      {"gradnorm", {}},
      {"config", {}},
      {"graddrop", {}},
      {"trimmed_mean", {{"trim_number", 0}}},
      {"excess_mtl", {}},
      {"moco", {}},
      {"db_mtl", {}}};
  return cases;
}

/// What a method is given: conflicting gradients of unlike lengths.
struct Inputs {
  torch::Tensor jacobian; // [T, 2 T + 8]
  torch::Tensor gramian;
  torch::Tensor losses;
};

Inputs inputs_of(int64_t tasks) {
  torch::manual_seed(tasks);
  const auto lengths = torch::exp(torch::randn({tasks, 1}, torch::kDouble));
  const auto jacobian =
      (torch::randn({tasks, 2 * tasks + 8}, torch::kDouble) + 0.1) * lengths;
  return {
      jacobian,
      jacobian.mm(jacobian.t()),
      torch::rand({tasks}, torch::kDouble) + 0.5};
}

void call(Balancing& method, const Inputs& inputs) {
  const balancing::Extras extras{
      {"losses", inputs.losses}, {"initial_losses", inputs.losses}};
  switch (method.reads()) {
    case Reads::kLosses:
      static_cast<balancing::LossBalancing&>(method).weights(inputs.losses);
      break;
    case Reads::kGramian:
      static_cast<balancing::GramianBalancing&>(method).weights(
          inputs.gramian, extras);
      break;
    default:
      static_cast<balancing::JacobianBalancing&>(method).direction(
          inputs.jacobian, extras);
  }
}

// The median of several runs, in microseconds.
double time_of(const MethodCase& method_case, const Inputs& inputs) {
  const auto method = balancing::make(method_case.name, method_case.options);
  using Clock = std::chrono::steady_clock;
  constexpr int kCalls = 200;
  std::vector<double> times;
  for (int run = 0; run < 15; ++run) {
    const auto begin = Clock::now();
    for (int i = 0; i < kCalls; ++i) {
      call(*method, inputs);
    }
    const std::chrono::duration<double, std::micro> taken =
        Clock::now() - begin;
    times.push_back(taken.count() / kCalls);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void write(const torch::Tensor& tensor, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file.write(
      static_cast<const char*>(tensor.const_data_ptr()),
      static_cast<std::streamsize>(tensor.nbytes()));
  TORCH_CHECK(file.good(), "cannot write ", path);
}

} // namespace

int weights(const std::string& folder) {
  constexpr int64_t kTasks[] = {2, 8, 32};
  if (!folder.empty()) {
    for (const int64_t tasks : kTasks) {
      const Inputs inputs = inputs_of(tasks);
      write(
          inputs.jacobian.contiguous(),
          fmt::format("{}/jacobian_{}.f64", folder, tasks));
    }
  }
  fmt::print(
      "Microseconds for one call, float64: weights of a Gramian or of losses, "
      "or the direction of a Jacobian [T, 2 T + 8].\n\n"
      "| method | T = 2 | T = 8 | T = 32 |\n|--|--:|--:|--:|\n");
  for (const MethodCase& method_case : method_cases()) {
    fmt::print("| {} |", method_case.name);
    for (const int64_t tasks : kTasks) {
      fmt::print(" {:.2f} |", time_of(method_case, inputs_of(tasks)));
      std::fflush(stdout);
    }
    fmt::print("\n");
  }
  return 0;
}

} // namespace polytask::benchmarks
