// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "plan_checks.h"

#include <c10/util/Exception.h>

#include "core/check.h"
#include "core/tensor_sets.h"

namespace polytask::detail {

namespace {

std::vector<std::string> names_of(
    const MultiTaskModelImpl& model, const torch::Tensor& parameter) {
  std::vector<std::string> names;
  for (const auto& entry : model.named_parameters()) {
    if (entry.value().is_same(parameter)) {
      names.push_back(entry.key());
    }
  }
  return names;
}

[[noreturn]] void refuse_change(
    const MultiTaskModel& model,
    const Plan& before,
    const torch::Tensor& unheld) {
  std::string what;
  for (size_t i = 0; i < model->task_names().size() && what.empty(); ++i) {
    const std::string& name = model->task_names()[i];
    if (i >= before.task_names().size()) {
      what = "the task '" + name + "'";
    } else if (
        model->task(static_cast<int64_t>(i)).head().module() !=
        before.tasks()[i].head().module()) {
      what = "another head for the task '" + name + "'";
    }
  }
  if (&model->sharing() != before.sharing()) {
    what = "another sharing";
  }
  TORCH_CHECK_VALUE(
      !unheld.defined(),
      "training: the model was given ",
      what.empty() ? "another parameter" : what,
      " after this training was made, and the optimizer does not hold ",
      unheld.defined() ? quoted(names_of(*model, unheld)) : "",
      "; add it by add_param_group, or make a new training.");
  TORCH_CHECK_VALUE(
      false,
      "training: the model was given ",
      what,
      " after this training was made; make a new one.");
}

} // namespace

// An optimizer made before a head was replaced holds the old one.
void warn_of_untrained(const MultiTaskModel& model, const Plan& plan) {
  const auto untrained = trained(plan.left_out());
  if (untrained.empty()) {
    return;
  }
  TORCH_WARN(
      "training: your optimizer does not hold ",
      quoted(names_of(*model, untrained.front())),
      ", so it is not trained. If that is what you want, "
      "requires_grad_(false) says so.");
}

// LibTorch's optimizers do not look: `parameters()` lists a head that two tasks
// share twice.
void refuse_double_steps(const MultiTaskModel& model, const Plan& plan) {
  TensorSet seen;
  for (const auto& held : plan.held()) {
    if (seen.add(held)) {
      continue;
    }
    const auto names = names_of(*model, held);
    TORCH_CHECK_VALUE(
        false,
        "training: your optimizer holds a parameter of shape ",
        held.sizes(),
        names.empty() ? "" : ", the model's ",
        names.empty() ? "" : quoted(names),
        ", twice and would step it twice. Make it over unique_parameters(), "
        "for parameters() lists twice what stands in two places.");
  }
}

void check_change(
    const MultiTaskModel& model, const Plan& before, const Plan& now) {
  if (now.task_names() != before.task_names()) {
    refuse_change(model, before, {});
  }
  const TensorSet known(before.left_out());
  for (const auto& parameter : trained(now.left_out())) {
    if (!known.has(parameter)) {
      refuse_change(model, before, parameter);
    }
  }
}

} // namespace polytask::detail
