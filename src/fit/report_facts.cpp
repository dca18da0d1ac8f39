// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report_facts.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <polytask/core/version.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <polytask/training/alternating_training.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/version.h>

#include <sstream>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

namespace polytask::fit::detail {

namespace {

// More would hide the rest.
constexpr size_t kFewTasks = 12;
const std::vector<std::string> kNoTasks;

std::string optimizer_text(torch::optim::Optimizer& optimizer) {
  auto& options = optimizer.param_groups().front().options();
  std::string text = "the user's own";
  if (const auto* sgd = dynamic_cast<torch::optim::SGDOptions*>(&options)) {
    text = fmt::format(
        "SGD, momentum {}, weight decay {}",
        sgd->momentum(),
        sgd->weight_decay());
  } else if (
      const auto* adamw = dynamic_cast<torch::optim::AdamWOptions*>(&options)) {
    text = fmt::format("AdamW, weight decay {}", adamw->weight_decay());
  } else if (
      const auto* adam = dynamic_cast<torch::optim::AdamOptions*>(&options)) {
    text = fmt::format("Adam, weight decay {}", adam->weight_decay());
  } else if (dynamic_cast<torch::optim::RMSpropOptions*>(&options)) {
    text = "RMSprop";
  } else if (dynamic_cast<optim::RowWiseAdagradOptions*>(&options)) {
    text = "RowWiseAdagrad";
  } else if (dynamic_cast<torch::optim::AdagradOptions*>(&options)) {
    text = "Adagrad";
  }
  return fmt::format(
      "{}; {} parameter group{}",
      text,
      optimizer.param_groups().size(),
      optimizer.param_groups().size() == 1 ? "" : "s");
}

template <typename Printed>
std::string printed(const Printed& thing) {
  std::ostringstream text;
  thing.pretty_print(text);
  return text.str();
}

std::string model_text(const MultiTaskModel& model) {
  int64_t all = 0;
  for (const auto& parameter : model->unique_parameters()) {
    all += parameter.numel();
  }
  int64_t shared = 0;
  for (const auto& parameter : model->shared_parameters()) {
    shared += parameter.numel();
  }
  return fmt::format(
      "{} tasks, {} parameters, {} of them shared", model->size(), all, shared);
}

// Of this process, in MiB; 0 where nobody knows.
int64_t peak_memory() {
#if __has_include(<sys/resource.h>)
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
#if defined(__APPLE__)
    return usage.ru_maxrss / (1024 * 1024);
#else
    return usage.ru_maxrss / 1024;
#endif
  }
#endif
  return 0;
}

std::string stopping_text(const EarlyStopping& stopping) {
  return fmt::format(
      "by {}{}, patience {}, min_delta {}",
      stopping.metric(),
      stopping.each_task() == EachTask::kTogether ? ""
          : stopping.each_task() == EachTask::kFreeze
          ? " of each task, which is then frozen"
          : " of each task, which is then left out",
      stopping.patience(),
      stopping.min_delta());
}

} // namespace

std::vector<std::pair<std::string, std::string>> report_facts(Fit& fit) {
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&](std::string name, std::string value) {
    facts.emplace_back(std::move(name), std::move(value));
  };
  Training& training = fit.training();
  const FitOptions& options = fit.options();
  add("model", model_text(training.model()));
  const bool alternates =
      dynamic_cast<AlternatingTraining*>(&training) != nullptr;
  add("strategy", alternates ? "alternating" : "joint");
  if (training.balancing()) {
    add("balancing", printed(*training.balancing()));
  } else if (!alternates) {
    add("balancing", "none: the weighted sum of the losses");
  }
  const auto& tasks = training.model()->task_names();
  for (const auto& task : tasks.size() <= kFewTasks ? tasks : kNoTasks) {
    const Task& own = training.model()->task(task);
    add("task " + task,
        fmt::format("{}, weight {}", printed(own.loss()), own.weight()));
  }
  add("optimizer",
      fmt::format(
          "{}; learning rate at last {:.6g}",
          optimizer_text(training.optimizer()),
          fit.learning_rates().front()));
  if (options.scheduler()) {
    add("scheduler",
        options.scheduler()->name() +
            (options.scheduler_every() == Every::kStep ? ", by step"
                                                       : ", by epoch"));
  }
  add("planned",
      options.steps() == 0 ? fmt::format("{} epochs", options.epochs())
          : options.epochs() == 0
          ? fmt::format("{} steps", options.steps())
          : fmt::format(
                "{} epochs or {} steps", options.epochs(), options.steps()));
  add("done",
      fmt::format(
          "{} epochs, {} steps{}",
          fit.epoch(),
          fit.step(),
          fit.steps_per_epoch() > 0
              ? fmt::format("; an epoch has {}", fit.steps_per_epoch())
              : ""));
  if (options.accumulate() > 1) {
    add("accumulated", fmt::format("{} batches a step", options.accumulate()));
  }
  if (options.averaging() > 0) {
    add("averaging", fmt::format("decay {}", options.averaging()));
  }
  if (options.early_stopping()) {
    add("early stopping", stopping_text(*options.early_stopping()));
  }
  const bool takes_best =
      !options.validations().empty() && options.end_with() == EndWith::kBest;
  add("ends with",
      takes_best ? "the weights that are best by " + options.monitor()
          : options.averaging() > 0 ? "the average of the weights"
                                    : "the last weights");
  const auto& route = training.route();
  add("route", fmt::format("{}: {}", to_string(route.route), route.reason));
  const auto parameters = training.model()->unique_parameters();
  if (!parameters.empty()) {
    add("device",
        c10::str(
            parameters.front().device(),
            ", ",
            parameters.front().scalar_type(),
            ", ",
            at::get_num_threads(),
            " threads"));
  }
  add("time",
      fmt::format(
          "{:.1f} s, {:.1f} steps a second",
          fit.seconds(),
          static_cast<double>(fit.step()) / fit.seconds()));
  add("memory", fmt::format("{} MiB at most in this process", peak_memory()));
  add("versions",
      fmt::format(
          "polytask {}.{}.{}, LibTorch {}",
          POLYTASK_VERSION_MAJOR,
          POLYTASK_VERSION_MINOR,
          POLYTASK_VERSION_PATCH,
          TORCH_VERSION));
  return facts;
}

} // namespace polytask::fit::detail
