// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/model/esmm_tasks.h>

#include <polytask/task/heads/probability_chain.h>

#include <set>

namespace polytask {

namespace {

void check_funnel_name(
    const MultiTaskModelImpl& model,
    const std::string& name,
    std::set<std::string>& names) {
  TORCH_CHECK_VALUE(!name.empty(), "add_esmm_tasks: a step needs a name.");
  TORCH_CHECK_VALUE(
      name.find('.') == std::string::npos,
      "add_esmm_tasks: the task name '",
      name,
      "' has a dot, which LibTorch keeps for the names of submodules.");
  TORCH_CHECK_VALUE(
      !model.has_task(name) && names.insert(name).second,
      "add_esmm_tasks: there is a task '",
      name,
      "' already.");
}

void check_funnel(
    const MultiTaskModelImpl& model,
    const std::vector<FunnelStepOptions>& steps) {
  TORCH_CHECK_VALUE(
      steps.size() >= 2,
      "add_esmm_tasks: expected at least two steps, but got ",
      steps.size(),
      ".");
  TORCH_CHECK_VALUE(
      steps[0].rate_task().empty(),
      "add_esmm_tasks: the first step, '",
      steps[0].task(),
      "', is its own rate; leave out the rate task '",
      steps[0].rate_task(),
      "'.");
  std::set<std::string> names;
  std::set<const torch::nn::Module*> towers;
  for (const auto& step : steps) {
    check_funnel_name(model, step.task(), names);
    if (!step.rate_task().empty()) {
      check_funnel_name(model, step.rate_task(), names);
    }
    TORCH_CHECK_VALUE(
        towers.insert(step.tower().module().get()).second,
        "add_esmm_tasks: the tower of step '",
        step.task(),
        "' is that of a step before; each needs one of its own.");
  }
}

} // namespace

void add_esmm_tasks(
    MultiTaskModel model, const std::vector<FunnelStepOptions>& steps) {
  TORCH_CHECK_VALUE(!model.is_empty(), "add_esmm_tasks: the model is empty.");
  check_funnel(*model, steps);
  std::vector<Task> tasks; // which check their weights, before any is added
  std::vector<Network> towers;
  for (const auto& step : steps) {
    towers.push_back(step.tower());
    const Network head =
        towers.size() == 1 ? step.tower() : Network(ProbabilityChain(towers));
    tasks.push_back(Task(head, step.loss()).weight(step.weight()));
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    model->add_task(steps[i].task(), std::move(tasks[i]));
    if (!steps[i].rate_task().empty()) {
      model->add_task(
          steps[i].rate_task(),
          Task(steps[i].tower(), steps[i].loss()).weight(0));
    }
  }
}

} // namespace polytask
