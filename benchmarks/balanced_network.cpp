// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "balanced_network.h"

#include <fmt/format.h>
#include <polytask/balancing/make.h>
#include <torch/optim/adam.h>

#include "floor_network.h"
#include "shared_network.h"
#include "training_contender.h"

namespace polytask::benchmarks {

namespace {

constexpr double kRate = 1e-3;
constexpr const char* kMethods[] = {
    "pcgrad", "cagrad", "nash_mtl", "upgrad", "mgda", "aligned_mtl"};

balancing::OptionValues options_of(const std::string& method) {
  if (method == "cagrad") {
    return {{"c", 0.5}};
  }
  return {};
}

// A million shared parameters and 32 tasks, whose Jacobian takes 122 MiB: with
// a method that needs the Gramian alone, with and without known layers, and
// with the Jacobian held.
void add_wide_network(Entries& entries) {
  constexpr NetworkSize kSize{32, 64, 512, 784};
  const LazyProblem lazy = network_data(kSize, {}, {});
  const auto add = [&](const char* contender,
                       const JointTrainingOptions& options) {
    entries.push_back(
        {"wide 512-784-784 B=64 T=32",
         contender,
         1,
         [=]() -> std::unique_ptr<Contender> {
           return std::make_unique<TrainingContender<JointTraining>>(
               lazy.get(),
               network_model(kSize),
               Call::kStep,
               torch::optim::AdamOptions(kRate),
               options);
         },
         {}});
  };
  const auto balanced = [] {
    return JointTrainingOptions().balancing(balancing::make("upgrad"));
  };
  add("equal", {});
  add("upgrad", balanced());
  add("upgrad, streamed Gramian", balanced().route(Route::kStreamedGramian));
  add("upgrad, layer Jacobian", balanced().route(Route::kLayerJacobian));
}

} // namespace

void add_balanced_networks(Entries& entries, const DataFolder& data) {
  for (const NetworkSize& size :
       {NetworkSize{8, 256, 64, 256},
        NetworkSize{32, 256, 64, 256},
        NetworkSize{21, 64, 21, 64},
        NetworkSize{8, 32, 256, 512},
        NetworkSize{32, 32, 256, 512}}) {
    const std::string job = fmt::format(
        "balanced {}-{}-{} B={} T={}",
        size.features,
        size.hidden,
        size.hidden,
        size.rows,
        size.tasks);
    const LazyProblem lazy = network_data(size, data, job);
    const int64_t steps = size.hidden > 64 ? 10 : 100;
    const auto add = [&](const std::string& contender, auto make) {
      entries.push_back(
          {job, contender, steps, [=] { return make(lazy.get()); }, {}});
    };
    const auto training = [&](const JointTrainingOptions& options) {
      return [=](const Problem& problem) -> std::unique_ptr<Contender> {
        return std::make_unique<TrainingContender<JointTraining>>(
            problem,
            network_model(size),
            Call::kStep,
            torch::optim::AdamOptions(kRate),
            options);
      };
    };
    add("equal", training({}));
    add("floor", [=](const Problem& problem) {
      return jacobian_floor(problem, size.hidden, kRate);
    });
    for (const std::string method : kMethods) {
      const auto balanced = [&] {
        return JointTrainingOptions().balancing(
            balancing::make(method, options_of(method)));
      };
      add(method, training(balanced()));
      add(method + ", features",
          training(balanced().route(Route::kFeatureGradients)));
    }
  }
  add_wide_network(entries);
}

} // namespace polytask::benchmarks
