// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/fit_checks.h"

#include <c10/util/Exception.h>

#include <set>
#include <string>

namespace polytask::fit::detail {

void check_fit_options(const FitOptions& options, const MultiTaskModel& model) {
  TORCH_CHECK_VALUE(
      options.epochs() >= 0 && options.steps() >= 0 &&
          options.epochs() + options.steps() > 0,
      "FitOptions: expected a number of epochs or of steps, but got ",
      options.epochs(),
      " and ",
      options.steps(),
      ".");
  TORCH_CHECK_VALUE(
      options.steps_per_epoch() >= 0 && options.validate_every_epochs() >= 0 &&
          options.validate_every_steps() >= 0 &&
          options.conflicts_every_steps() >= 0,
      "FitOptions: expected no negative number of steps or epochs.");
  TORCH_CHECK_VALUE(
      options.averaging() >= 0 && options.averaging() < 1,
      "FitOptions: expected an averaging of at least 0 and below 1, but got ",
      options.averaging(),
      ".");
  const bool validates = !options.validations().empty();
  TORCH_CHECK_VALUE(
      validates || !options.early_stopping(),
      "FitOptions: early_stopping needs a validation.");
  const auto& stopping = options.early_stopping();
  TORCH_CHECK_VALUE(
      !stopping || stopping->each_task() == EachTask::kTogether ||
          stopping->metric().find('/') == std::string::npos,
      "EarlyStopping: with each_task expected a metric alone, such as 'loss', "
      "but got '",
      stopping ? stopping->metric() : "",
      "'.");
  TORCH_CHECK_VALUE(
      validates || !options.plateau(),
      "FitOptions: plateau needs a validation.");
  TORCH_CHECK_VALUE(
      validates || options.best_of_each_task().empty(),
      "FitOptions: best_of_each_task needs a validation.");
  std::set<std::string> names{kTrainSplit};
  for (const auto& [name, data] : options.validations()) {
    TORCH_CHECK_VALUE(
        !name.empty() && names.insert(name).second,
        "FitOptions: a validation cannot be called '",
        name,
        "', or is not the only one of that name.");
  }
  for (const auto& callback : options.callbacks()) {
    TORCH_CHECK_VALUE(callback, "FitOptions: a callback is null.");
  }
  TORCH_CHECK_VALUE(
      !model->has_task("mean"),
      "Fit: a task cannot be called 'mean', as the mean over the tasks is.");
  TORCH_CHECK_VALUE(
      !options.scheduler() || !options.plateau(),
      "FitOptions: a scheduler sets the rates anew after each step, so a "
      "plateau beside it would change nothing; take one of them.");
}

} // namespace polytask::fit::detail
