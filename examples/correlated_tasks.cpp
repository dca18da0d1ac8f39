// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Two tasks that are more or less alike, as in the paper on MMoE: what hard
// sharing, experts with gates and models of their own make of them, with as
// many parameters and steps for each.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>

#include <ctime>
#include <fstream>
#include <limits>

#include "correlated_tasks/picture.h"
#include "correlated_tasks/rows.h"

namespace {

namespace data = polytask::data;
namespace nn = torch::nn;

using correlated::kInputs;

struct Options {
  std::vector<double> correlations = {1, 0.9, 0.5};
  uint64_t seeds = 3;
  int64_t steps = 1000;
  int64_t rows = 10000;
  std::vector<double> rates = {3e-3, 1e-2, 3e-2};
  std::string svg;
};

struct Architecture {
  std::string name;
  polytask::MultiTaskModel (*make)();
};

constexpr int64_t kExpertWidth = 16; // eight experts, as in the paper
constexpr int64_t kHardWidth = 126;  // so that all have about as many parameters
constexpr int64_t kAloneWidth = 68;

nn::Sequential layer(int64_t inputs, int64_t outputs) {
  return nn::Sequential(nn::Linear(inputs, outputs), nn::ReLU());
}

polytask::Network expert() { return layer(kInputs, kExpertWidth); }

polytask::MultiTaskModel with_towers(polytask::MultiTaskModel model, int64_t features) {
  for (const char* task : {"first", "second"}) {
    model->add_task(task,
        polytask::Task(nn::Sequential(nn::Linear(features, 8), nn::ReLU(), nn::Linear(8, 1)),
            polytask::MSELoss()));
  }
  return model;
}

polytask::MultiTaskModel alone() {
  polytask::MultiTaskModel model; // nothing shared
  for (const char* task : {"first", "second"}) {
    model->add_task(task,
        polytask::Task(nn::Sequential(nn::Linear(kInputs, kAloneWidth), nn::ReLU(),
                           nn::Linear(kAloneWidth, 8), nn::ReLU(), nn::Linear(8, 1)),
            polytask::MSELoss()));
  }
  return model;
}

polytask::MultiTaskModel hard() {
  return with_towers(polytask::MultiTaskModel{layer(kInputs, kHardWidth)}, kHardWidth);
}

polytask::MultiTaskModel mmoe() {
  return with_towers(
      polytask::MultiTaskModel{polytask::MMoE(polytask::MMoEOptions(kInputs, expert).experts(8))},
      kExpertWidth);
}

polytask::MultiTaskModel cgc() {
  return with_towers(
      polytask::MultiTaskModel{polytask::CGC(
          polytask::ExpertLevelOptions(kInputs, expert).shared_experts(4).task_experts(2))},
      kExpertWidth);
}

const std::vector<Architecture> kArchitectures = {
    {"alone", alone}, {"hard sharing", hard}, {"MMoE", mmoe}, {"CGC", cgc}};

int64_t parameters(const polytask::MultiTaskModel& model) {
  int64_t count = 0;
  for (const auto& each : model->unique_parameters()) {
    count += each.numel();
  }
  return count;
}

// Errors of both tasks on rows without noise. Data, initial weights and order
// of rows all come from the seed.
std::array<double, 2> train(const Options& options, const Architecture& architecture,
    double correlation, double rate, uint64_t seed) {
  torch::manual_seed(seed);
  const auto weights = correlated::weights(correlation);
  const auto rows = correlated::rows(weights, options.rows, correlated::kNoise);
  const auto test = correlated::rows(weights, 5000, 0);
  auto model = architecture.make();
  polytask::JointTraining joint(model, torch::optim::AdamOptions(rate));
  data::Loader loader(rows, data::LoaderOptions().batch_size(100).seed(seed));
  polytask::optim::CosineScheduler schedule(options.steps);
  schedule.start(joint.optimizer());
  for (int64_t step = 0; step < options.steps; ++step) {
    joint.step(loader.next_endless());
    schedule.step();
  }
  const auto errors = polytask::fit::evaluate(model, test);
  return {errors["first/loss"], errors["second/loss"]};
}

// By data that no reported number comes from.
double best_rate(const Options& options, const Architecture& architecture, double correlation) {
  double best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const double rate : options.rates) {
    const auto errors = train(options, architecture, correlation, rate, /*seed=*/1'000'003);
    if (errors[0] + errors[1] < least) {
      least = errors[0] + errors[1];
      best = rate;
    }
  }
  return best;
}

struct Spread {
  double mean;
  double deviation; // of a sample; NaN of one
};

Spread spread(const std::vector<double>& values) {
  const auto all = torch::tensor(values, torch::kDouble);
  return {all.mean().item<double>(),
      values.size() > 1 ? all.std().item<double>() : std::numeric_limits<double>::quiet_NaN()};
}

std::string shown(const Spread& s) { return fmt::format("{:.4f} ± {:.4f}", s.mean, s.deviation); }

void run(const Options& options) {
  fmt::print(
      "| correlation | model | parameters | rate | first | second | mean | s |\n"
      "|--:|--|--:|--:|--:|--:|--:|--:|\n");
  std::vector<correlated::Curve> curves;
  for (const auto& architecture : kArchitectures) {
    curves.push_back({architecture.name, {}, {}});
  }
  for (const double correlation : options.correlations) {
    for (size_t a = 0; a < kArchitectures.size(); ++a) {
      const auto& architecture = kArchitectures[a];
      const double rate = best_rate(options, architecture, correlation);
      const std::clock_t begin = std::clock(); // of the processor
      std::vector<double> first, second, mean;
      for (uint64_t seed = 0; seed < options.seeds; ++seed) {
        const auto errors = train(options, architecture, correlation, rate, seed);
        first.push_back(errors[0]);
        second.push_back(errors[1]);
        mean.push_back((errors[0] + errors[1]) / 2);
      }
      const double time = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
      fmt::print("| {} | {} | {} | {} | {} | {} | {} | {:.2f} |\n", correlation, architecture.name,
          parameters(architecture.make()), rate, shown(spread(first)), shown(spread(second)),
          shown(spread(mean)), time / static_cast<double>(options.seeds));
      std::fflush(stdout);
      curves[a].means.push_back(spread(mean).mean);
      curves[a].deviations.push_back(options.seeds > 1 ? spread(mean).deviation : 0);
    }
  }
  if (!options.svg.empty()) {
    std::ofstream file(options.svg, std::ios::binary);
    file << correlated::draw(options.correlations, curves);
    file.close();
    TORCH_CHECK(file, "cannot write ", options.svg, ".");
  }
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Two regressions of a given correlation, by four ways to share.");
  app.add_option("--correlations", options.correlations, "Cosines of the tasks' weights")
      ->delimiter(',')
      ->check(CLI::Range(-1.0, 1.0));
  app.add_option("--seeds", options.seeds, "Data sets for each")->check(CLI::Range(1, 1000));
  app.add_option("--steps", options.steps, "Of each training")->check(CLI::Range(1, 1000000));
  app.add_option("--rows", options.rows, "To train on")->check(CLI::Range(100, 1000000));
  app.add_option("--rates", options.rates, "Learning rates, of which each model gets its best")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--svg", options.svg, "A file for a picture of the means");
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const c10::Error& error) {
    fmt::print(stderr, "correlated_tasks: {}\n", error.what_without_backtrace());
    return 1;
  }
}
