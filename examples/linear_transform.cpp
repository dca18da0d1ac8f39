// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// The original job: two linear transforms of the same points, learned by two
// task models, alternately and jointly.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>
#include <chrono>

namespace {

constexpr double kTruth[] = {0.1, 0.2, 0.3, 0.5, 0.9, 3.0};
constexpr double kTolerance = 1e-2;

struct Options {
  std::vector<std::string> strategies = {"alternating", "joint"};
  int64_t steps = 0; // 0: as many as the original job takes
  double learning_rate = 0.5;
  uint64_t seed = 0;
  std::string device = "cpu";
  bool quiet = false;
};

struct Result {
  torch::Tensor parameters; // [6]: W1 (2), b1, W2 (2), b2
  double seconds;
};

torch::Tensor parameters(const polytask::MultiTaskModel& model) {
  return torch::nn::utils::parameters_to_vector(model->unique_parameters())
      .detach()
      .to(torch::kCPU, torch::kDouble);
}

std::string task_text(const double* of) {
  return fmt::format("[[{:.6f} {:.6f}]] [{:.6f}]", of[0], of[1], of[2]);
}

void print_step(const torch::Tensor& learned, const polytask::StepReport& report) {
  const double* of = learned.data_ptr<double>();
  if (report.task.empty()) {
    fmt::print("{} W1,b1,W2,b2: {} {}\n", report.step, task_text(of), task_text(of + 3));
  } else {
    const int task = report.task == "y1" ? 1 : 2;
    fmt::print("{0} W{1},b{1}: {2}\n", report.step, task, task_text(of + 3 * (task - 1)));
  }
}

Result train(const Options& options, const std::string& strategy) {
  torch::manual_seed(options.seed);
  const auto x = torch::rand({2, 100}).t().contiguous(); // [100, 2]
  const auto y1 = x.mv(torch::tensor({0.1F, 0.2F})).add(0.3F).unsqueeze(1);
  const auto y2 = x.mv(torch::tensor({0.5F, 0.9F})).add(3.0F).unsqueeze(1);
  const auto batch = polytask::Batch(x, {{"y1", y1}, {"y2", y2}});

  polytask::MultiTaskModel model;
  model->add_task("y1", polytask::LinearTask(2, 1));
  model->add_task("y2", polytask::LinearTask(2, 1));
  model->to(torch::Device(options.device));

  polytask::StepObserver observer;
  if (!options.quiet) {
    observer = [&](const auto& report) { print_step(parameters(model), report); };
  }
  const auto start = std::chrono::steady_clock::now();
  const torch::optim::SGDOptions sgd(options.learning_rate);
  const auto on_device = batch.to(options.device);
  if (strategy == "alternating") {
    polytask::AlternatingTraining training(
        model, sgd, polytask::AlternatingTrainingOptions().seed(options.seed));
    training.run(on_device, options.steps ? options.steps : 1000, observer);
  } else {
    polytask::JointTraining training(model, sgd);
    training.run(on_device, options.steps ? options.steps : 299, observer);
  }
  const auto learned = parameters(model); // waits for the device
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  return {learned, time.count()};
}

// True if every parameter is as near to the truth as asked.
bool print_table(const Options& options, const std::vector<Result>& results) {
  const auto truth = torch::tensor(c10::ArrayRef<double>(kTruth));
  fmt::print("{:>8}{:>10}", "", "true");
  for (const auto& strategy : options.strategies) {
    fmt::print("{:>14}{:>10}", strategy, "error");
  }
  const char* const names[] = {"W1[0]", "W1[1]", "b1", "W2[0]", "W2[1]", "b2"};
  for (int i = 0; i < 6; ++i) {
    fmt::print("\n{:>8}{:>10.6f}", names[i], kTruth[i]);
    for (const auto& result : results) {
      const double value = result.parameters[i].item<double>();
      fmt::print("{:>14.6f}{:>10.1e}", value, std::abs(value - kTruth[i]));
    }
  }
  bool good = true;
  for (size_t r = 0; r < results.size(); ++r) {
    const double error = (results[r].parameters - truth).abs().max().item<double>();
    fmt::print(
        "\n{}: largest error {:.1e}, {:.3f} s", options.strategies[r], error, results[r].seconds);
    good = good && error <= kTolerance; // false for NaN too
  }
  fmt::print("\n");
  return good;
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  std::string strategy = "both";
  CLI::App app("Learns two linear transforms, alternately and jointly.");
  app.add_option("--strategy", strategy, "alternating, joint or both")
      ->check(CLI::IsMember({"alternating", "joint", "both"}));
  app.add_option("--steps", options.steps, "else 1000 alternating, 299 joint")
      ->check(CLI::PositiveNumber);
  app.add_option("--learning-rate", options.learning_rate)->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed);
  app.add_option("--device", options.device, "cpu, cuda or cuda:<index>");
  app.add_flag("--quiet", options.quiet, "Print no steps");
  int failure = 2; // a bad option
  try {
    app.parse(argc, argv);
    TORCH_CHECK(torch::Device(options.device).is_cpu() || torch::cuda::is_available(),
        "--device: there is no CUDA device.");
    failure = 1; // training that diverged
    if (strategy != "both") {
      options.strategies = {strategy};
    }
    std::vector<Result> results;
    for (const auto& name : options.strategies) {
      results.push_back(train(options, name));
    }
    return print_table(options, results) ? 0 : 1;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) { // --help
      return app.exit(error);
    }
    fmt::print(stderr, "linear_transform: {}\n", error.what());
    return 2;
  } catch (const c10::Error& error) {
    fmt::print(stderr, "linear_transform: {}\n", error.what_without_backtrace());
    return failure;
  }
}
