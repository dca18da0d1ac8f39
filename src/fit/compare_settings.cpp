// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/compare_settings.h"

#include <c10/util/StringUtil.h>
#include <fmt/format.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <cstdint>
#include <sstream>
#include <tuple>

#include "core/crc32c.h"
#include "fit/shown_text.h"

namespace polytask::fit::detail {

namespace {

template <typename Options>
std::string adam_setting(const char* name, const Options& options) {
  return fmt::format(
      "{} lr {} betas {} {} eps {} weight_decay {} amsgrad {}",
      name,
      options.lr(),
      std::get<0>(options.betas()),
      std::get<1>(options.betas()),
      options.eps(),
      options.weight_decay(),
      options.amsgrad());
}

std::string optimizer_setting(const torch::optim::OptimizerOptions& options) {
  namespace optim = torch::optim;
  if (const auto* sgd = dynamic_cast<const optim::SGDOptions*>(&options)) {
    return fmt::format(
        "SGD lr {} momentum {} dampening {} weight_decay {} nesterov {}",
        sgd->lr(),
        sgd->momentum(),
        sgd->dampening(),
        sgd->weight_decay(),
        sgd->nesterov());
  }
  if (const auto* adam = dynamic_cast<const optim::AdamOptions*>(&options)) {
    return adam_setting("Adam", *adam);
  }
  if (const auto* adamw = dynamic_cast<const optim::AdamWOptions*>(&options)) {
    return adam_setting("AdamW", *adamw);
  }
  if (const auto* rms = dynamic_cast<const optim::RMSpropOptions*>(&options)) {
    return fmt::format(
        "RMSprop lr {} alpha {} eps {} weight_decay {} momentum {} centered {}",
        rms->lr(),
        rms->alpha(),
        rms->eps(),
        rms->weight_decay(),
        rms->momentum(),
        rms->centered());
  }
  if (const auto* ada = dynamic_cast<const optim::AdagradOptions*>(&options)) {
    return fmt::format(
        "{} lr {} lr_decay {} weight_decay {} accumulator {} eps {}",
        dynamic_cast<const polytask::optim::RowWiseAdagradOptions*>(ada)
            ? "RowWiseAdagrad"
            : "Adagrad",
        ada->lr(),
        ada->lr_decay(),
        ada->weight_decay(),
        ada->initial_accumulator_value(),
        ada->eps());
  }
  return "of another kind";
}

// Options of a scheduler cannot be read, but the rates that it sets can.
std::string scheduler_setting(const FitOptions& options) {
  if (!options.scheduler()) {
    return "none";
  }
  std::string text = fmt::format(
      "{} by {}, rates",
      options.scheduler()->name(),
      options.scheduler_every() == Every::kStep ? "step" : "epoch");
  for (int64_t steps = 0; steps < 100'000; steps = steps * 3 / 2 + 1) {
    text += fmt::format(" {:.6g}", options.scheduler()->rate(steps, 1.0));
  }
  return text;
}

std::string plateau_setting(const FitOptions& options) {
  if (!options.plateau()) {
    return "none";
  }
  const auto& plateau = *options.plateau();
  std::string text = fmt::format(
      "by {} mode {} factor {} patience {} threshold {} {} cooldown {} eps {} "
      "min_lr",
      options.plateau_name(),
      static_cast<int>(plateau.mode()),
      plateau.factor(),
      plateau.patience(),
      plateau.threshold(),
      static_cast<int>(plateau.threshold_mode()),
      plateau.cooldown(),
      plateau.eps());
  for (const double rate : plateau.min_lr()) {
    text += fmt::format(" {}", rate);
  }
  return text;
}

std::string stopping_setting(const FitOptions& options) {
  if (!options.early_stopping()) {
    return "none";
  }
  const EarlyStopping& stopping = *options.early_stopping();
  return fmt::format(
      "by {} patience {} min_delta {} each_task {}",
      stopping.metric(),
      stopping.patience(),
      stopping.min_delta(),
      static_cast<int>(stopping.each_task()));
}

std::string training_setting(const JointTrainingOptions& options) {
  std::string text = fmt::format(
      "head_gradients {} clipping {}",
      static_cast<int>(options.head_gradients()),
      static_cast<bool>(options.clipping()));
  const LearningRates& rates = options.learning_rates();
  if (rates.shared()) {
    text += fmt::format(" shared lr {}", *rates.shared());
  }
  for (const auto& [task, rate] : rates.tasks()) {
    text += fmt::format(" lr {} of {}", rate, task);
  }
  return text;
}

std::string shape_text(const std::string& name, const at::Tensor& tensor) {
  return c10::str(
      name,
      tensor.scalar_type(),
      tensor.sizes(),
      tensor.requires_grad() ? "" : " frozen",
      '\n');
}

} // namespace

CompareSettings budget_settings(const CompareOptions& options) {
  const FitOptions& fit = options.fit();
  const data::LoaderOptions& loader = options.loader();
  return {
      {"epochs",
       fmt::format(
           "{}, steps {} (0: not limited), steps_per_epoch {}",
           fit.epochs(),
           fit.steps(),
           fit.steps_per_epoch())},
      {"batches",
       fmt::format(
           "batch_size {} shuffle {} drop_last {} accumulate {}",
           loader.batch_size(),
           loader.shuffle(),
           loader.drop_last(),
           fit.accumulate())},
      {"optimizer", optimizer_setting(*options.optimizer())},
      {"training", training_setting(options.training())},
      {"averaging", fmt::format("{}", fit.averaging())},
      {"scheduler", scheduler_setting(fit)},
      {"plateau", plateau_setting(fit)},
      {"validation",
       fmt::format(
           "every {} epochs, {} steps",
           fit.validate_every_epochs(),
           fit.validate_every_steps())},
      {"weights",
       fit.end_with() == EndWith::kBest ? "best by " + fit.monitor() : "last"},
      {"early_stopping", stopping_setting(fit)}};
}

std::string model_setting(const MultiTaskModel& model) {
  std::ostringstream printed;
  model->pretty_print(printed);
  std::string text = printed.str();
  int64_t parameters = 0;
  for (const auto& entry : model->named_parameters()) {
    text += shape_text(entry.key(), entry.value());
    parameters += entry.value().numel();
  }
  for (const auto& entry : model->named_buffers()) {
    text += shape_text(entry.key(), entry.value());
  }
  for (const auto& task : model->task_names()) {
    text += fmt::format("{} {}\n", task, model->task(task).weight());
  }
  return fmt::format(
      "of {} parameters, {:08x}",
      parameters,
      polytask::detail::crc32c(0, text.data(), text.size()));
}

std::string method_setting(const balancing::Balancing& method) {
  std::ostringstream text;
  method.pretty_print(text);
  return text.str();
}

std::string settings_text(const CompareSettings& settings) {
  std::string text;
  for (const auto& [name, value] : settings) {
    text += name + ' ' + polytask::detail::printable(value) + '\n';
  }
  return text;
}

} // namespace polytask::fit::detail
