// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/learning_to_branch.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/stage_columns.h"
#include "sharing/task_matrices.h"
#include "sharing/uniform_at.h"

namespace polytask {

namespace {

torch::Tensor host_counter() {
  return at::zeros({}, torch::TensorOptions(torch::kLong));
}

// The largest of each row of [T, T]; at a tie that of the row's own place, else
// the first.
std::vector<int64_t> largest_of_rows(const torch::Tensor& logits) {
  const torch::Tensor values =
      logits.detach().to(torch::kCPU, torch::kDouble).contiguous();
  const auto count = values.size(0);
  const auto* row = values.const_data_ptr<double>();
  std::vector<int64_t> largest;
  for (int64_t t = 0; t < count; ++t, row += count) {
    const auto* found = std::max_element(row, row + count);
    largest.push_back(row[t] == *found ? t : found - row);
  }
  return largest;
}

} // namespace

LearningToBranchImpl::LearningToBranchImpl(
    StageFactories stages, LearningToBranchOptions options)
    : InputsSharing("polytask::LearningToBranch"),
      options_(options),
      columns_(std::make_shared<detail::StageColumns>(
          "LearningToBranch", std::move(stages))),
      logits_(std::make_shared<detail::TaskMatrices>(
          std::vector<int64_t>(columns_->stages() - 1, 0), [](int64_t tasks) {
            return at::zeros({tasks, tasks}, torch::kDouble);
          })) {
  TORCH_CHECK_VALUE(
      options_.epochs() >= 1,
      "LearningToBranch: expected at least 1 epoch, but got ",
      options_.epochs(),
      ".");
  register_module("columns", columns_);
  register_module("logits", logits_);
  steps_ = register_buffer("steps", host_counter());
  epochs_ = register_buffer("epochs", host_counter());
}

void LearningToBranchImpl::add_task(const std::string& name) {
  logits_->check_size(
      "LearningToBranch", static_cast<int64_t>(columns_->tasks()) + 1);
  auto column = columns_->make(name);
  for (const auto& stage : column) {
    detail::make_like_rest(*columns_, *stage.module());
  }
  logits_->grow(columns_->options_with(column));
  columns_->add(name, std::move(column));
}

void LearningToBranchImpl::begin_step() {
  const torch::NoGradGuard no_grad;
  steps_.add_(1);
}

void LearningToBranchImpl::end_epoch() {
  const torch::NoGradGuard no_grad;
  epochs_.add_(1);
}

int64_t LearningToBranchImpl::steps() const {
  return steps_.item<int64_t>();
}

int64_t LearningToBranchImpl::epochs() const {
  return epochs_.item<int64_t>();
}

bool LearningToBranchImpl::is_warming_up() const {
  return static_cast<double>(epochs()) <
      static_cast<double>(options_.epochs()) / 100;
}

double LearningToBranchImpl::temperature() const {
  return static_cast<double>(options_.epochs()) / 20 /
      std::sqrt(static_cast<double>(epochs()) + 1);
}

void LearningToBranchImpl::set_uniforms(torch::Tensor uniforms) {
  if (uniforms.defined()) {
    const auto count = static_cast<int64_t>(columns_->tasks());
    const std::vector<int64_t> expected{
        static_cast<int64_t>(logits_->size()), count, count};
    TORCH_CHECK_VALUE(
        uniforms.sizes() == expected,
        "LearningToBranch: expected uniforms of shape ",
        torch::IntArrayRef(expected),
        ", but got ",
        uniforms.sizes(),
        ".");
    TORCH_CHECK_VALUE(
        ((uniforms > 0) & (uniforms < 1)).all().item<bool>(),
        "LearningToBranch: expected uniforms in (0, 1).");
    uniforms = uniforms.detach().to(torch::kCPU, torch::kDouble).clone();
  }
  uniforms_ = std::move(uniforms);
}

torch::Tensor LearningToBranchImpl::gumbels(size_t i) const {
  const auto stage = static_cast<int64_t>(i);
  const auto count = static_cast<int64_t>(columns_->tasks());
  torch::Tensor drawn;
  if (uniforms_.defined()) {
    TORCH_CHECK_VALUE(
        uniforms_.size(1) == count,
        "LearningToBranch: expected uniforms for ",
        count,
        " tasks, but those that were set are for ",
        uniforms_.size(1),
        ".");
    drawn = uniforms_[stage];
  } else {
    drawn = at::empty({count, count}, torch::kDouble);
    auto* next = drawn.mutable_data_ptr<double>();
    const int64_t step = steps();
    for (int64_t t = 0; t < count; ++t) {
      for (int64_t j = 0; j < count; ++j) {
        *next++ = detail::uniform_at(options_.seed(), {step, stage, t, j});
      }
    }
  }
  return -(-drawn.log()).log();
}

torch::Tensor LearningToBranchImpl::weights(size_t i) const {
  const torch::Tensor& logits = logits_->at(i);
  if (is_warming_up()) {
    return at::ones(logits.sizes(), logits.options().requires_grad(false));
  }
  const torch::Tensor soft = at::softmax(
      (logits + gumbels(i).to(logits.options().requires_grad(false))) /
          temperature(),
      -1);
  const torch::Tensor hard =
      at::zeros_like(soft.detach())
          .scatter_(-1, soft.detach().argmax(-1, /*keepdim=*/true), 1);
  return hard - soft.detach() + soft;
}

std::vector<Inputs> LearningToBranchImpl::before_last(
    const Inputs& inputs, const std::optional<size_t>& task) const {
  std::vector<Inputs> state(columns_->tasks(), inputs);
  for (size_t i = 0; i < logits_->size(); ++i) {
    const torch::Tensor all = columns_->stacked(i, columns_->run_all(i, state));
    torch::Tensor taken = weights(i);
    if (task && i + 1 == logits_->size()) {
      taken = taken.narrow(0, static_cast<int64_t>(*task), 1);
    }
    const auto mixed = detail::mixed_rows(taken, all).unbind();
    state.assign(mixed.begin(), mixed.end());
  }
  // Without a stage before the last, all take the input.
  if (task && logits_->size() == 0) {
    state.resize(1, inputs);
  }
  return state;
}

torch::Tensor LearningToBranchImpl::along_branches(
    const Inputs& inputs,
    size_t stage,
    size_t task,
    const std::vector<std::vector<int64_t>>& branches,
    Path& made) const {
  auto& own = made[stage][task];
  if (!own) {
    own = stage == 0 ? columns_->run(0, task, inputs)
                     : columns_->run(
                           stage,
                           task,
                           along_branches(
                               inputs,
                               stage - 1,
                               static_cast<size_t>(branches[stage - 1][task]),
                               branches,
                               made));
  }
  return *own;
}

std::vector<torch::Tensor> LearningToBranchImpl::all_features(
    const Inputs& inputs) const {
  const size_t last = columns_->stages() - 1;
  if (!follows_branches()) {
    return columns_->tasks() == 0
        ? std::vector<torch::Tensor>()
        : columns_->run_all(last, before_last(inputs, {}));
  }
  const auto chosen = branches();
  Path made(last + 1, Path::value_type(columns_->tasks()));
  std::vector<torch::Tensor> all;
  for (size_t t = 0; t < columns_->tasks(); ++t) {
    all.push_back(along_branches(inputs, last, t, chosen, made));
  }
  return all;
}

std::vector<Inputs> LearningToBranchImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  columns_->check_all(tasks);
  const auto all = all_features(inputs);
  return {all.begin(), all.end()};
}

Inputs LearningToBranchImpl::features_for(const Inputs& inputs, int64_t task) {
  const size_t own = columns_->checked(task);
  const size_t last = columns_->stages() - 1;
  if (!follows_branches()) {
    return columns_->run(last, own, before_last(inputs, own)[0]);
  }
  Path made(last + 1, Path::value_type(columns_->tasks()));
  return along_branches(inputs, last, own, branches(), made);
}

std::vector<torch::Tensor> LearningToBranchImpl::used_parameters(
    int64_t task) const {
  const size_t last = columns_->stages() - 1;
  size_t own = columns_->checked(task);
  std::vector<torch::Tensor> used;
  columns_->add_parameters(own, last, used);
  if (follows_branches()) {
    const auto chosen = branches();
    for (size_t i = last; i > 0; --i) {
      own = static_cast<size_t>(chosen[i - 1][own]);
      columns_->add_parameters(own, i - 1, used);
    }
    return used;
  }
  for (size_t t = 0; t < columns_->tasks(); ++t) {
    for (size_t i = 0; i < last; ++i) {
      columns_->add_parameters(t, i, used);
    }
  }
  if (!is_warming_up()) {
    const auto own_logits = logits();
    used.insert(used.end(), own_logits.begin(), own_logits.end());
  }
  return used;
}

std::vector<MixingWeights> LearningToBranchImpl::mixing_weights() const {
  std::vector<MixingWeights> all;
  for (size_t i = 0; i < logits_->size() && !tasks().empty(); ++i) {
    all.push_back(
        {"logits." + std::to_string(i),
         tasks(),
         tasks(),
         at::softmax(logits_->at(i).detach(), -1)});
  }
  return all;
}

std::vector<torch::Tensor> LearningToBranchImpl::logits() const {
  return logits_->parameters();
}

std::vector<std::vector<int64_t>> LearningToBranchImpl::branches() const {
  std::vector<std::vector<int64_t>> all;
  for (const auto& own : logits()) {
    all.push_back(largest_of_rows(own));
  }
  return all;
}

const Network& LearningToBranchImpl::stage(int64_t task, int64_t stage) const {
  return columns_->at(columns_->checked(task), columns_->checked_stage(stage));
}

// LibTorch turns whole numbers into those of the model's dtype, which cannot
// count far.
template <typename... To>
void LearningToBranchImpl::move_all(To... to) {
  const torch::Tensor steps = steps_.clone(), epochs = epochs_.clone();
  Sharing::to(to...);
  steps_.set_data(steps);
  epochs_.set_data(epochs);
}

void LearningToBranchImpl::to(
    torch::Device device, torch::Dtype dtype, bool non_blocking) {
  move_all(device, dtype, non_blocking);
}

void LearningToBranchImpl::to(torch::Dtype dtype, bool non_blocking) {
  move_all(dtype, non_blocking);
}

void LearningToBranchImpl::to(torch::Device device, bool non_blocking) {
  move_all(device, non_blocking);
}

std::shared_ptr<torch::nn::Module> LearningToBranchImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy =
      std::make_shared<LearningToBranchImpl>(columns_->factories(), options_);
  copy->columns_ = copy->replace_module("columns", columns_->copy(device));
  copy->logits_ = copy->replace_module("logits", logits_->copy(device));
  copy->steps_.copy_(steps_);
  copy->epochs_.copy_(epochs_);
  copy->uniforms_ = uniforms_;
  detail::complete_clone(*this, *copy);
  copy->serve_as(*this);
  return copy;
}

void LearningToBranchImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::LearningToBranch(stages=" << columns_->stages()
         << ", epochs=" << options_.epochs() << ")";
}

} // namespace polytask
