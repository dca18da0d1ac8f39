// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Is it worth training together? Flows of a simulated river network, two days
// ahead at eight sites: every site alone, all with the plain sum of their
// losses, and all with balancings, by the same budget and several seeds.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>

#include <array>
#include <iostream>
#include <numeric>

namespace {

namespace data = polytask::data;
namespace fit = polytask::fit;

constexpr int64_t kSites = 8;
constexpr int64_t kAhead = 48; // hours
constexpr std::array<int64_t, 8> kLags = {0, 6, 12, 18, 24, 36, 48, 60};

// Site i + 1 lies below site i; rain fills each site's ground, which empties
// into the river within days. [hours, sites]
torch::Tensor flows(int64_t hours) {
  const auto rain = torch::relu(torch::randn({hours, kSites}) - 2.2);
  const auto shared = torch::relu(torch::randn({hours, 1}) - 2.2); // falls on all
  torch::Tensor ground = torch::ones({kSites});
  torch::Tensor river = torch::ones({kSites});
  const auto slow = torch::linspace(0.01, 0.04, kSites);
  std::vector<torch::Tensor> flows;
  for (int64_t hour = 0; hour < hours; ++hour) {
    const auto outflow = slow * ground.pow(1.3);
    ground = ground + rain[hour] + shared[hour] - outflow;
    const auto above = torch::cat({torch::zeros({1}), river.slice(0, 0, kSites - 1)});
    river = 0.9 * river + 0.06 * above + outflow;
    flows.push_back(river * (1 + 0.02 * torch::randn({kSites})));
  }
  return torch::stack(flows);
}

// Inputs: the flows now and at some hours before; targets: those to come.
data::Dataset rows(const torch::Tensor& flows) {
  const int64_t first = kLags.back();
  const int64_t count = flows.size(0) - first - kAhead;
  std::vector<torch::Tensor> inputs;
  for (const int64_t lag : kLags) {
    inputs.push_back(flows.narrow(0, first - lag, count));
  }
  polytask::Batch::Targets targets;
  for (int64_t site = 0; site < kSites; ++site) {
    targets.emplace_back(
        fmt::format("site{}", site + 1), flows.narrow(0, first + kAhead, count).narrow(1, site, 1));
  }
  return {torch::cat(inputs, 1), targets};
}

polytask::MultiTaskModel make_model(const std::vector<std::string>& tasks) {
  constexpr int64_t kInputs = kSites * static_cast<int64_t>(kLags.size());
  polytask::MultiTaskModel model{torch::nn::Sequential(torch::nn::Linear(kInputs, 64),
      torch::nn::SiLU(), torch::nn::Linear(64, 64), torch::nn::SiLU())};
  for (const auto& task : tasks) {
    model->add_task(task,
        polytask::Task(torch::nn::Linear(64, 1), polytask::MSELoss()).metric(polytask::RMSE()));
  }
  return model;
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string> methods = {"uncertainty_weighting", "pcgrad"};
  std::string folder, report;
  int64_t epochs = 30, hours = 4000;
  uint64_t seeds = 3;
  CLI::App app("Compares training together with training alone.");
  app.add_option("--methods", methods, "Names of balancing methods")->delimiter(',');
  app.add_option("--epochs", epochs, "Epochs of each training")->check(CLI::Range(1, 10000));
  app.add_option("--hours", hours, "Length of each record")->check(CLI::Range(300, 1000000));
  app.add_option("--seeds", seeds, "How many times each")->check(CLI::Range(1, 100));
  app.add_option("--folder", folder, "Keeps what is done, and goes on from there");
  app.add_option("--report", report, "A page of HTML to be written");
  CLI11_PARSE(app, argc, argv);
  try {
    torch::manual_seed(0);
    const auto record = flows(3 * hours);
    // By train rows alone.
    const auto scaler = data::Standardizer::fit(record.narrow(0, 0, hours));
    const auto part = [&](int64_t i) {
      return rows(scaler.transform(record.narrow(0, i * hours, hours)));
    };
    fit::CompareOptions options(part(0), part(1), part(2));
    options.optimizer(torch::optim::AdamOptions(1e-3))
        .loader(data::LoaderOptions().batch_size(64))
        .fit(fit::FitOptions().epochs(epochs))
        .methods({methods.begin(), methods.end()})
        .metric("rmse")
        .folder(folder);
    std::vector<uint64_t> all(seeds);
    std::iota(all.begin(), all.end(), 0);
    const auto comparison = fit::compare(make_model, options.seeds(all));
    std::cout << comparison << '\n';
    if (!report.empty()) {
      comparison.write_report(report, "Flows at eight sites");
    }
  } catch (const c10::Error& error) {
    fmt::print(stderr, "comparison: {}\n", error.what_without_backtrace());
    return 1;
  }
}
