// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/cross_stitch.h>

#include <ATen/ops/einsum.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include <numeric>
#include <utility>

#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/stage_columns.h"
#include "sharing/task_matrices.h"

namespace polytask {

namespace {

torch::Tensor stitch_start(const CrossStitchOptions& options, int64_t tasks) {
  if (options.init() == CrossStitchInit::kOnes || tasks == 1) {
    return at::ones({tasks, tasks}, torch::kDouble);
  }
  const double same = options.initial_same();
  const double other = (1 - same) / static_cast<double>(tasks - 1);
  torch::Tensor start = at::full({tasks, tasks}, other, torch::kDouble);
  start.fill_diagonal_(same);
  return start;
}

std::vector<int64_t> stitch_channels(
    size_t stages, const CrossStitchOptions& options) {
  const size_t units = stages - (options.stitch_after_last() ? 0 : 1);
  const auto& channels = options.per_channel();
  if (channels.empty()) {
    return std::vector<int64_t>(units, 0);
  }
  TORCH_CHECK_VALUE(
      channels.size() == units,
      "CrossStitch: expected per_channel to have a number for each of the ",
      units,
      " units, but it has ",
      channels.size(),
      ".");
  for (const int64_t own : channels) {
    TORCH_CHECK_VALUE(
        own >= 1,
        "CrossStitch: expected per_channel to be at least 1, but got ",
        own,
        ".");
  }
  return channels;
}

} // namespace

CrossStitchImpl::CrossStitchImpl(
    StageFactories stages, CrossStitchOptions options)
    : InputsSharing("polytask::CrossStitch"),
      options_(std::move(options)),
      columns_(std::make_shared<detail::StageColumns>(
          "CrossStitch", std::move(stages))) {
  TORCH_CHECK_VALUE(
      options_.initial_same() >= 0 && options_.initial_same() <= 1,
      "CrossStitch: expected initial_same in [0, 1], but got ",
      options_.initial_same(),
      ".");
  stitches_ = std::make_shared<detail::TaskMatrices>(
      stitch_channels(columns_->stages(), options_),
      [own = options_](int64_t tasks) { return stitch_start(own, tasks); });
  register_module("columns", columns_);
  register_module("stitches", stitches_);
}

void CrossStitchImpl::add_task(const std::string& name) {
  const auto count = static_cast<int64_t>(columns_->tasks()) + 1;
  stitches_->check_size("CrossStitch", count);
  auto column = columns_->make(name);
  for (const auto& stage : column) {
    detail::make_like_rest(*this, *stage.module());
  }
  stitches_->grow(columns_->options_with(column));
  columns_->add(name, std::move(column));
}

// [T, ...], or [1, ...] of one row.
torch::Tensor CrossStitchImpl::mixed(
    size_t unit,
    const std::vector<torch::Tensor>& outputs,
    const std::optional<size_t>& row) const {
  const torch::Tensor all = columns_->stacked(unit, outputs); // [T, B, ...]
  torch::Tensor weights = stitches_->at(unit);
  if (row) {
    weights = weights.narrow(-2, static_cast<int64_t>(*row), 1);
  }
  const int64_t channels = stitches_->channels(unit);
  if (channels == 0) {
    return detail::mixed_rows(weights, all);
  }
  TORCH_CHECK_VALUE(
      all.dim() >= 3 && all.size(2) == channels,
      "CrossStitch: expected stage ",
      unit,
      " to give ",
      channels,
      " channels, but it gives features of shape ",
      outputs[0].sizes(),
      ".");
  auto sizes = all.sizes().vec();
  sizes[0] = weights.size(-2);
  const auto rest = all.dim() == 3 ? all.unsqueeze(3) : all.flatten(3);
  return at::einsum("ctu,ubcr->tbcr", {weights.to(all.scalar_type()), rest})
      .reshape(sizes);
}

// Those of the wanted tasks behind the last unit, which needs all columns.
std::vector<Inputs> CrossStitchImpl::states(
    const Inputs& inputs, const std::vector<int64_t>& wanted) {
  const size_t units = stitches_->size();
  std::vector<Inputs> all(columns_->tasks(), inputs);
  for (size_t i = 0; i < units && !wanted.empty(); ++i) {
    const auto outputs = columns_->run_all(i, all);
    if (i + 1 == units && wanted.size() == 1) {
      const auto own = static_cast<size_t>(wanted[0]);
      all[own] = mixed(i, outputs, own)[0];
      break;
    }
    const auto above = mixed(i, outputs, {}).unbind();
    all.assign(above.begin(), above.end());
  }
  std::vector<Inputs> some;
  for (const int64_t task : wanted) {
    const auto own = static_cast<size_t>(task);
    some.push_back(
        units == columns_->stages() ? all[own]
                                    : columns_->run(units, own, all[own]));
  }
  return some;
}

std::vector<Inputs> CrossStitchImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  columns_->check_all(tasks);
  std::vector<int64_t> all(columns_->tasks());
  std::iota(all.begin(), all.end(), 0);
  return states(inputs, all);
}

std::vector<Inputs> CrossStitchImpl::features_for_some(
    const Inputs& inputs, const std::vector<int64_t>& tasks) {
  for (const int64_t task : tasks) {
    columns_->checked(task);
  }
  return states(inputs, tasks);
}

Inputs CrossStitchImpl::features_for(const Inputs& inputs, int64_t task) {
  columns_->checked(task);
  return states(inputs, {task})[0];
}

std::vector<torch::Tensor> CrossStitchImpl::used_parameters(
    int64_t task) const {
  const size_t own = columns_->checked(task);
  std::vector<torch::Tensor> used = stitches();
  for (size_t t = 0; t < columns_->tasks(); ++t) {
    for (size_t i = 0; i < columns_->stages(); ++i) {
      if (i < stitches_->size() || t == own) {
        columns_->add_parameters(t, i, used);
      }
    }
  }
  return used;
}

std::vector<MixingWeights> CrossStitchImpl::mixing_weights() const {
  std::vector<MixingWeights> all;
  for (size_t i = 0; i < stitches_->size() && !tasks().empty(); ++i) {
    all.push_back(
        {"stitches." + std::to_string(i),
         tasks(),
         tasks(),
         stitches_->mean(i)});
  }
  return all;
}

std::vector<torch::Tensor> CrossStitchImpl::stitches() const {
  return stitches_->parameters();
}

const Network& CrossStitchImpl::stage(int64_t task, int64_t stage) const {
  return columns_->at(columns_->checked(task), columns_->checked_stage(stage));
}

std::shared_ptr<torch::nn::Module> CrossStitchImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy =
      std::make_shared<CrossStitchImpl>(columns_->factories(), options_);
  copy->columns_ = copy->replace_module("columns", columns_->copy(device));
  copy->stitches_ = copy->replace_module("stitches", stitches_->copy(device));
  detail::complete_clone(*this, *copy);
  copy->serve_as(*this);
  return copy;
}

void CrossStitchImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::CrossStitch(stages=" << columns_->stages() << ")";
}

} // namespace polytask
