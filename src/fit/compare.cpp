// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/compare.h>

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <polytask/core/random_state.h>
#include <polytask/fit/evaluate.h>
#include <polytask/fit/fit.h>
#include <torch/utils.h>

#include <filesystem>
#include <iostream>
#include <optional>
#include <system_error>
#include <utility>

#include "core/check.h"
#include "core/crc32c.h"
#include "fit/checkpoint_folder.h"
#include "fit/compare_checks.h"
#include "fit/compare_data.h"
#include "fit/compare_run_file.h"
#include "fit/compare_settings.h"
#include "fit/first_error.h"
#include "fit/shown_text.h"

namespace polytask::fit {

namespace {

struct CompareJob {
  std::string name; // "alone", "equal", or that of the method
  std::vector<std::string> tasks;
  const CompareMethod* method = nullptr; // null for the sum
  uint64_t seed = 0;

  std::string shown() const {
    return polytask::detail::printable(fmt::format(
        "{}{}, seed {}",
        name,
        name == detail::kAlone ? " '" + tasks.front() + '\'' : "",
        seed));
  }
};

class CompareLoop {
 public:
  CompareLoop(const MakeModel& make_model, const CompareOptions& options)
      : make_model_(make_model), options_(options) {
    TORCH_CHECK_VALUE(make_model_, "compare: make_model is empty.");
    detail::check_compare_options(options_);
    tasks_ = detail::compared_tasks(
        made_model(options_.train().tasks(), options_.seeds().front()),
        options_);
    budget_ = detail::budget_settings(options_);
    if (!options_.folder().empty()) {
      // Where it cannot be made, writing to it says so.
      std::error_code error;
      std::filesystem::create_directories(options_.folder(), error);
      detail::check_folder_data(options_.folder(), options_);
    }
  }

  // One seed after the other, so that what is there early is a comparison.
  Comparison run() {
    const auto names = options_.train().tasks();
    std::vector<Comparison::Method> methods;
    methods.push_back(no_values(detail::kAlone));
    methods.push_back(no_values(detail::kEqual));
    for (const auto& method : options_.methods()) {
      methods.push_back(no_values(method.name()));
    }
    count_ = options_.seeds().size() * (names.size() + methods.size() - 1);
    for (const uint64_t seed : options_.seeds()) {
      for (auto& method : methods) {
        method.steps.push_back(0);
        method.seconds.push_back(0);
      }
      for (const auto& task : names) {
        add({detail::kAlone, {task}, nullptr, seed}, methods[0]);
      }
      add({detail::kEqual, names, nullptr, seed}, methods[1]);
      for (size_t i = 0; i < options_.methods().size(); ++i) {
        const auto& method = options_.methods()[i];
        add({method.name(), names, &method, seed}, methods[i + 2]);
      }
    }
    return Comparison(options_.seeds(), tasks_, std::move(methods), facts());
  }

 private:
  Comparison::Method no_values(const std::string& name) const {
    return {name, std::vector<std::vector<double>>(tasks_.size()), {}, {}};
  }

  MultiTaskModel made_model(
      const std::vector<std::string>& tasks, uint64_t seed) const {
    torch::manual_seed(seed);
    MultiTaskModel model = make_model_(tasks);
    detail::check_made_model(model, tasks);
    return model;
  }

  void add(const CompareJob& job, Comparison::Method& method) {
    try {
      const detail::ComparedRun run = run_or_read(job);
      for (size_t t = 0; t < tasks_.size(); ++t) {
        if (job.tasks.size() == tasks_.size() ||
            tasks_[t].name == job.tasks.front()) {
          method.values[t].push_back(value_of(run.test, tasks_[t]));
        }
      }
      method.steps.back() += run.steps;
      method.seconds.back() += run.seconds;
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with("compare: " + job.shown() + ": ");
    }
  }

  static double value_of(const Evaluation& test, const Comparison::Task& task) {
    for (const auto& value : test.task(task.name).values) {
      if (value.name == task.metric) {
        return value.value;
      }
    }
    TORCH_CHECK_VALUE(
        false,
        "task '",
        task.name,
        "' has no value '",
        task.metric,
        "'; where the folder keeps a run of before the task had that metric, "
        "remove it.");
  }

  detail::ComparedRun run_or_read(const CompareJob& job) {
    MultiTaskModel model = made_model(job.tasks, job.seed);
    const auto settings = settings_of(job, model);
    const std::string folder = folder_of(job, settings);
    if (!folder.empty()) {
      if (auto run = detail::read_run(folder, settings)) {
        clear_away(folder);
        show(job, "read from the folder");
        return *std::move(run);
      }
    }
    const auto run = train(job, model, folder);
    if (!folder.empty()) {
      detail::write_run(folder, settings, run);
      clear_away(folder);
    }
    show(job, fmt::format("{} steps in {:.2f} s", run.steps, run.seconds));
    return run;
  }

  detail::ComparedRun train(
      const CompareJob& job, MultiTaskModel& model, const std::string& folder) {
    data::Loader loader(
        detail::with_tasks(options_.train(), job.tasks),
        data::LoaderOptions(options_.loader()).seed(job.seed));
    JointTraining training(model, *options_.optimizer(), training_of(job));
    Fit fit(training, loader, fit_of(job, folder));
    const History history = fit.run();
    TORCH_CHECK_VALUE(
        !fit.is_interrupted(),
        history.stop_reason(),
        folder.empty() ? "." : "; the same call goes on from there.");
    detail::ComparedRun run{fit.step(), fit.seconds(), {}};
    run.test = evaluate(
        model,
        detail::with_tasks(options_.test(), job.tasks),
        options_.fit().evaluate());
    return run;
  }

  JointTrainingOptions training_of(const CompareJob& job) const {
    JointTrainingOptions options = options_.training();
    LearningRates rates;
    if (options.learning_rates().shared()) {
      rates.shared(*options.learning_rates().shared());
    }
    for (const auto& [task, rate] : options.learning_rates().tasks()) {
      if (job.tasks.size() > 1 || task == job.tasks.front()) {
        rates.task(task, rate);
      }
    }
    options.learning_rates(rates);
    if (job.method) {
      options.balancing(job.method->make(job.seed));
    }
    return options;
  }

  FitOptions fit_of(const CompareJob& job, const std::string& folder) const {
    FitOptions options = options_.fit();
    options.validation(detail::with_tasks(options_.validation(), job.tasks));
    options.folder(folder).best_of_each_task("");
    if (options.scheduler()) {
      options.scheduler(
          options.scheduler()->clone(), options.scheduler_every());
    }
    ProgressOptions progress = options_.progress();
    if (progress.kind() == ProgressKind::kAuto) {
      progress.kind(ProgressKind::kSilent);
    }
    return options.progress(progress);
  }

  detail::CompareSettings settings_of(
      const CompareJob& job, const MultiTaskModel& model) const {
    detail::CompareSettings settings{
        {"method",
         job.method ? detail::method_setting(job.method->method()) : "sum"},
        {"tasks", polytask::detail::quoted(job.tasks)},
        {"seed", std::to_string(job.seed)},
        {"model", detail::model_setting(model)}};
    settings.insert(settings.end(), budget_.begin(), budget_.end());
    return settings;
  }

  // Other settings have another folder.
  std::string folder_of(
      const CompareJob& job, const detail::CompareSettings& settings) const {
    if (options_.folder().empty()) {
      return "";
    }
    const std::string text = detail::settings_text(settings);
    auto path = std::filesystem::path(options_.folder()) /
        detail::as_one_word(job.name);
    if (job.name == detail::kAlone) {
      path /= detail::as_one_word(job.tasks.front());
    }
    path /= fmt::format(
        "seed-{}-{:08x}",
        job.seed,
        polytask::detail::crc32c(0, text.data(), text.size()));
    return path.string();
  }

  void clear_away(const std::string& folder) const {
    if (options_.keep_checkpoints()) {
      return;
    }
    std::vector<std::filesystem::path> old;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (detail::step_of_checkpoint(entry.path().filename().string())) {
        old.push_back(entry.path());
      }
    }
    for (const auto& path : old) {
      std::filesystem::remove(path);
    }
  }

  void show(const CompareJob& job, const std::string& what) {
    ++done_;
    if (options_.progress().kind() == ProgressKind::kSilent) {
      return;
    }
    std::ostream* stream = options_.progress().stream();
    (stream ? *stream : std::cerr)
        << fmt::format(
               "compare: {} of {}: {}: {}\n", done_, count_, job.shown(), what)
        << std::flush;
  }

  std::vector<std::pair<std::string, std::string>> facts() const {
    std::vector<std::pair<std::string, std::string>> facts{
        {"rows",
         fmt::format(
             "{} to train on, {} of validation, {} of test",
             options_.train().size(),
             options_.validation().size(),
             options_.test().size())}};
    facts.insert(facts.end(), budget_.begin(), budget_.end());
    for (const auto& method : options_.methods()) {
      facts.emplace_back(
          "method " + method.name(), detail::method_setting(method.method()));
    }
    return facts;
  }

  const MakeModel& make_model_;
  const CompareOptions& options_;
  std::vector<Comparison::Task> tasks_;
  detail::CompareSettings budget_;
  size_t count_ = 0;
  size_t done_ = 0;
};

} // namespace

Comparison compare(const MakeModel& make_model, const CompareOptions& options) {
  const RandomState before = RandomState::capture();
  std::optional<Comparison> comparison;
  detail::FirstError error;
  error.note([&] { comparison = CompareLoop(make_model, options).run(); });
  before.restore();
  error.rethrow();
  return *std::move(comparison);
}

} // namespace polytask::fit
