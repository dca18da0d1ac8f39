// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// What a Fit costs beside the bare loop of its steps, and an evaluation beside
// its forward pass; the least of several rounds in turn.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

namespace {

namespace data = polytask::data;
namespace fit = polytask::fit;

constexpr int kRounds = 20;

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began)
      .count();
}

struct FitBenchmark {
  std::string name;
  std::function<polytask::MultiTaskModel()> make;
  data::Dataset rows;
  int64_t batch_size;
  int64_t epochs;
};

void compare_with_loop(const FitBenchmark& job) {
  auto model = job.make();
  polytask::JointTraining training(model, torch::optim::SGDOptions(1e-4));
  data::Loader loader(
      job.rows, data::LoaderOptions().batch_size(job.batch_size));
  double loop = std::numeric_limits<double>::infinity();
  double whole = loop;
  for (int round = 0; round < kRounds; ++round) {
    loop = std::min(loop, seconds_of([&] {
                      for (int64_t epoch = 0; epoch < job.epochs; ++epoch) {
                        for (const auto& batch : loader) {
                          training.step(batch);
                        }
                        training.end_epoch();
                      }
                    }));
    whole = std::min(whole, seconds_of([&] {
                       fit::Fit(
                           training,
                           loader,
                           fit::FitOptions()
                               .epochs(job.epochs)
                               .dry_run(false)
                               .progress(fit::ProgressKind::kSilent))
                           .run();
                     }));
  }
  const double steps =
      static_cast<double>(job.epochs * loader.batches_per_epoch());
  fmt::print(
      "{:28}{:10.2f}{:10.2f}{:9.3f}\n",
      job.name,
      loop / steps * 1e6,
      whole / steps * 1e6,
      whole / loop);
}

void compare_with_forward() {
  constexpr int64_t kRows = 1000000;
  const auto x = torch::randn({kRows, 64});
  const auto y = torch::randn({kRows, 1});
  const auto c = torch::rand({kRows, 1}).gt(0.5).to(torch::kFloat);
  polytask::MultiTaskModel model{torch::nn::Sequential(
      torch::nn::Linear(64, 256),
      torch::nn::ReLU(),
      torch::nn::Linear(256, 256),
      torch::nn::ReLU())};
  model->add_task(
      "y",
      polytask::Task(torch::nn::Linear(256, 1), polytask::MSELoss())
          .metric(polytask::RMSE())
          .metric(polytask::R2()));
  model->add_task(
      "c",
      polytask::Task(torch::nn::Linear(256, 1), polytask::BCEWithLogitsLoss())
          .metric(polytask::ROCAUC())
          .metric(polytask::Accuracy()));
  const data::Dataset rows(x, {{"y", y}, {"c", c}});
  double forward = std::numeric_limits<double>::infinity();
  double evaluation = forward;
  for (int round = 0; round < 3; ++round) {
    forward =
        std::min(forward, seconds_of([&] {
                   torch::NoGradGuard no_grad;
                   for (int64_t start = 0; start < kRows; start += 1024) {
                     model->forward(x.narrow(
                         0, start, std::min<int64_t>(1024, kRows - start)));
                   }
                 }));
    evaluation =
        std::min(evaluation, seconds_of([&] { fit::evaluate(model, rows); }));
  }
  fmt::print(
      "evaluation of 10^6 rows, 64-256-256, RMSE, R2, AUC, accuracy: forward "
      "{:.3f} s, evaluate {:.3f} s, {:.3f}\n",
      forward,
      evaluation,
      evaluation / forward);
}

} // namespace

int main() {
  const auto with_heads =
      [](polytask::MultiTaskModel model, int64_t tasks, int64_t width) {
        for (int64_t i = 0; i < tasks; ++i) {
          model->add_task(
              "y" + std::to_string(i),
              polytask::Task(torch::nn::Linear(width, 1), polytask::MSELoss()));
        }
        return model;
      };
  const auto rows = [](torch::Tensor x, int64_t tasks) {
    polytask::Batch::Targets targets;
    for (int64_t i = 0; i < tasks; ++i) {
      targets.emplace_back(
          "y" + std::to_string(i), torch::randn({x.size(0), 1}));
    }
    return data::Dataset(std::move(x), targets);
  };
  const std::vector<FitBenchmark> jobs = {
      {"linear (2, 100, 2)",
       [&] { return with_heads(polytask::MultiTaskModel(), 2, 2); },
       rows(torch::rand({1000, 2}), 2),
       100,
       400},
      {"network 21-64-64, 21 heads",
       [&] {
         return with_heads(
             polytask::MultiTaskModel{torch::nn::Sequential(
                 torch::nn::Linear(21, 64),
                 torch::nn::ReLU(),
                 torch::nn::Linear(64, 64),
                 torch::nn::ReLU())},
             21,
             64);
       },
       rows(torch::randn({6400, 21}), 21),
       64,
       10},
      {"convolutions, 2 heads",
       [&] {
         return with_heads(
             polytask::MultiTaskModel{torch::nn::Sequential(
                 torch::nn::Conv2d(1, 8, 3),
                 torch::nn::ReLU(),
                 torch::nn::MaxPool2d(2),
                 torch::nn::Flatten())},
             2,
             8 * 13 * 13);
       },
       rows(torch::randn({640, 1, 28, 28}), 2),
       32,
       5}};
  fmt::print("{:28}{:>10}{:>10}{:>9}\n", "µs a step", "loop", "Fit", "ratio");
  for (const auto& job : jobs) {
    compare_with_loop(job);
  }
  compare_with_forward();
}
