// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "graph_route.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "autocast.h"
#include "input_groups.h"

namespace polytask::detail {

namespace {

constexpr int64_t kWarmUpSteps = 3;
// Recordings cost a few steps each: three changes within ten steps are too
// many.
constexpr size_t kManyChanges = 3;
constexpr int64_t kRestingSteps = 10;

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

/// One piece of work.
struct GraphRoute::Recording {
  bool changes_often() const {
    return changes.size() == kManyChanges &&
        uses - changes.front() < kRestingSteps;
  }
  void note_change(const std::string& what) {
    what_changed = what;
    changes.push_back(uses);
    if (changes.size() > kManyChanges) {
      changes.erase(changes.begin());
    }
  }

  // The graph stays until another takes its place: what it used is the memory
  // of the next.
  void forget() {
    is_recorded = false;
    losses = at::Tensor();
    gradients.clear();
  }

  std::vector<int64_t> shape;
  int64_t uses = 0;
  /// The uses at which something had changed, the last few.
  std::vector<int64_t> changes;
  /// What had changed at the last of them.
  std::string what_changed;
  int64_t warm_steps = 0;
  /// After the last step that was not a replay.
  GraphState state;

  // What the graph reads; the steps point to the rest.
  std::vector<Inputs> inputs;
  std::vector<Labels> labels;
  HeadSteps steps;
  // The place of each step's input.
  std::vector<size_t> groups;
  // What it writes, beside parameters and the optimizer's state. The gradients
  // of all parameters; held, or another graph would be given their memory.
  at::Tensor losses;
  std::vector<at::Tensor> gradients;
  /// Not from the graph, which cannot hold a copy from the host.
  at::Tensor weights;
  bool is_recorded = false;
  std::unique_ptr<StepGraph> graph;
};

GraphRoute::GraphRoute(StepContext& context) : context_(context) {}
GraphRoute::~GraphRoute() = default;

bool GraphRoute::find_device() {
  const at::Device device = context_.plan().parameters().front().device();
  if (device_ != device) {
    recordings_.clear();
    given_up_.clear();
    maker_ = make_step_graph(device);
    device_ = device;
  }
  return maker_ != nullptr;
}

std::string GraphRoute::obstacle(
    const HeadSteps& steps, const TaskSource& source) const {
  if (!context_.options.device_graph()) {
    return "device_graph was not asked for";
  }
  if (!context_.own_optimizer) {
    return "the optimizer is the user's own";
  }
  if (source.observe) {
    return "the sampler waits for the losses";
  }
  if (context_.options.grad_scaler()) {
    return "a GradScaler scales the losses";
  }
  if (is_autocast_on(device_->type())) {
    return "autocast is on";
  }
  if (context_.model->sharing().draws()) {
    return "the sharing draws before each step";
  }
  if (context_.own_loss->is_used()) {
    return "the sharing has a loss of its own";
  }
  std::string found = graph_obstacle(*context_.optimizer);
  return found.empty() ? graph_obstacle(context_, steps) : found;
}

GraphRoute::Recording& GraphRoute::recording_of(
    const HeadSteps& steps, bool share_input) {
  auto shape = graph_shape(steps, share_input);
  const auto found = std::ranges::find(recordings_, shape, &Recording::shape);
  if (found != recordings_.end()) {
    recordings_.splice(recordings_.begin(), recordings_, found);
    return recordings_.front();
  }
  // Each task by itself, and a few shapes besides.
  const auto most = static_cast<size_t>(8 + 2 * context_.model->size());
  if (recordings_.size() >= most) {
    recordings_.pop_back();
  }
  recordings_.emplace_front().shape = std::move(shape);
  return recordings_.front();
}

GraphState GraphRoute::state_of(const HeadSteps& steps) const {
  return GraphState(context_, steps);
}

void GraphRoute::give_up(const std::string& why) {
  given_up_ = why;
  reason_ = why;
  recordings_.clear();
}

std::optional<StepReport> GraphRoute::step(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    bool report) {
  if (!find_device()) {
    return std::nullopt;
  }
  reason_ = given_up_.empty() ? obstacle(steps, source) : given_up_;
  if (!reason_.empty()) {
    return std::nullopt;
  }
  Recording& own = recording_of(steps, share_input);
  GraphState now = state_of(steps);
  const std::string changed =
      own.warm_steps == 0 ? "" : own.state.difference(now);
  ++own.uses;
  if (!changed.empty()) {
    own.note_change(changed);
    own.forget();
    own.state = std::move(now);
    // State that the optimizer lacks now is made by a step, not by a graph.
    own.warm_steps = std::min(own.warm_steps, kWarmUpSteps - 1);
  }
  if (own.changes_often()) {
    reason_ = own.what_changed + " changes too often for a CUDA graph";
    return std::nullopt;
  }
  if (own.warm_steps < kWarmUpSteps) {
    return warm_up(own, steps, share_input);
  }
  if (!own.is_recorded && !record(own, steps, share_input)) {
    return std::nullopt;
  }
  return replay(own, steps, report);
}

AutogradStep GraphRoute::take(const HeadSteps& steps, bool share_input) {
  AutogradStep taken = autograd_backward(context_, steps, share_input, {}, {});
  if (taken.learns) {
    context_.update();
  }
  return taken;
}

// A step like any other, but for where it is taken.
StepReport GraphRoute::warm_up(
    Recording& own, const HeadSteps& steps, bool share_input) {
  StepReport report;
  maker_->warm_up([&] { report = take(steps, share_input).losses.report(); });
  ++own.warm_steps;
  own.state = state_of(steps);
  own.weights = report.weights.clone();
  reason_ = "steps by themselves come before a CUDA graph";
  if (!is_all_fused(*context_.optimizer)) {
    give_up("the optimizer's kernels cannot take every parameter");
  }
  return report;
}

bool GraphRoute::record(
    Recording& own, const HeadSteps& steps, bool share_input) {
  own.inputs.clear();
  own.labels.clear();
  own.steps = steps;
  own.groups = input_groups(steps, share_input);
  for (size_t i = 0; i < steps.size(); ++i) {
    if (own.groups[i] == own.inputs.size()) {
      own.inputs.push_back(steps[i].inputs->map(
          [](const at::Tensor& input) { return at::empty_like(input); }));
    }
    // Under the ignore index of the loss, which else would count them again.
    const auto& loss = context_.model->task(steps[i].task).loss().function();
    const Labels labels =
        steps[i].labels->with_ignore_index(loss.ignore_index());
    own.labels.push_back(labels.in(at::empty_like(labels.target())));
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    own.steps[i].inputs = &own.inputs[own.groups[i]];
    own.steps[i].input = &own.steps[i].inputs->tensor();
    own.steps[i].labels = &own.labels[i];
  }
  // Backward makes gradients anew where there are none, and those belong to the
  // graph: each replay overwrites them, whatever became of `.grad` meanwhile.
  context_.reset_gradients();
  auto graph = maker_->another();
  try {
    graph->record([this, &own, share_input] {
      own.losses = take(own.steps, share_input).losses.losses();
      own.gradients.clear();
      for (const auto& parameter : context_.plan().parameters()) {
        own.gradients.push_back(parameter.grad());
      }
    });
  } catch (const c10::Error& error) {
    give_up(
        "a CUDA graph cannot record this step: " +
        first_line(error.what_without_backtrace()));
    return false;
  } catch (const std::exception& error) {
    give_up(
        "a CUDA graph cannot record this step: " + first_line(error.what()));
    return false;
  }
  own.graph = std::move(graph);
  own.is_recorded = true;
  return true;
}

StepReport GraphRoute::replay(
    Recording& own, const HeadSteps& steps, bool report) {
  size_t copied = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (own.groups[i] == copied) {
      at::Tensor(own.inputs[copied++].tensor()).copy_(*steps[i].input);
    }
    at::Tensor(own.labels[i].target()).copy_(steps[i].labels->target());
  }
  own.graph->replay();
  reason_ = "on a CUDA graph";
  // As a step by itself leaves them: other graphs have gradients of their own.
  for (size_t i = 0; i < context_.plan().parameters().size(); ++i) {
    context_.plan().parameters()[i].mutable_grad() = own.gradients[i];
  }
  StepReport taken;
  if (report) {
    // Copies, for the next replay overwrites its own.
    taken.losses = own.losses.clone();
    taken.weights = own.weights.clone();
  }
  return taken;
}

} // namespace polytask::detail
