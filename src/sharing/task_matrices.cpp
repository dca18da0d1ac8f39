// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/task_matrices.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <string>
#include <utility>

namespace polytask::detail {

namespace {

// In whatever precision a model was made and then turned into another.
bool holds_start(const torch::Tensor& values, const torch::Tensor& start) {
  for (const auto type :
       {torch::kDouble, torch::kFloat, torch::kHalf, torch::kBFloat16}) {
    if (at::equal(values, start.to(type).to(values.options()))) {
      return true;
    }
  }
  return false;
}

} // namespace

TaskMatrices::TaskMatrices(std::vector<int64_t> channels, Start start)
    : Module("polytask::TaskMatrices"),
      channels_(std::move(channels)),
      start_(std::move(start)) {}

torch::Tensor TaskMatrices::start_of(size_t i, int64_t tasks) const {
  const torch::Tensor start = start_(tasks);
  return channels_[i] == 0
      ? start
      : start.expand({channels_[i], tasks, tasks}).contiguous();
}

void TaskMatrices::grow(const torch::TensorOptions& options) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> grown;
  for (size_t i = 0; i < size(); ++i) {
    const torch::Tensor start = start_of(i, tasks_ + 1);
    if (tasks_ == 0) {
      grown.push_back(start.to(options));
      continue;
    }
    const torch::Tensor& old = at(i);
    if (holds_start(old, start_of(i, tasks_))) {
      grown.push_back(start.to(old.options()));
    } else {
      torch::Tensor kept = at::zeros(start.sizes(), old.options());
      kept.narrow(-1, 0, tasks_).narrow(-2, 0, tasks_).copy_(old);
      kept.select(-2, tasks_).copy_(start.select(-2, tasks_));
      grown.push_back(kept);
    }
    grown.back().requires_grad_(old.requires_grad());
  }
  for (size_t i = 0; i < size(); ++i) {
    if (tasks_ == 0) {
      register_parameter(std::to_string(i), grown[i]);
    } else {
      parameters_[std::to_string(i)] = grown[i];
    }
  }
  ++tasks_;
}

std::shared_ptr<TaskMatrices> TaskMatrices::copy(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<TaskMatrices>(channels_, start_);
  copy->tasks_ = tasks_;
  for (const auto& own : named_parameters(/*recurse=*/false)) {
    torch::Tensor values = own.value().detach().clone();
    copy->register_parameter(
        own.key(), device ? values.to(*device) : values, own->requires_grad());
  }
  return copy;
}

const torch::Tensor& TaskMatrices::at(size_t i) const {
  return parameters_[std::to_string(i)];
}

torch::Tensor TaskMatrices::mean(size_t i) const {
  const torch::Tensor values = at(i).detach();
  return channels_[i] == 0 ? values.clone() : values.mean(0);
}

void TaskMatrices::check_size(const char* owner, int64_t tasks) const {
  const double most = 1 << 28;
  double all = 0;
  for (const int64_t channels : channels_) {
    all += static_cast<double>(std::max<int64_t>(channels, 1)) *
        static_cast<double>(tasks) * static_cast<double>(tasks);
  }
  TORCH_CHECK_VALUE(
      all <= most,
      owner,
      ": expected matrices of tasks by tasks with at most ",
      most,
      " numbers, but those of ",
      tasks,
      " tasks have ",
      all,
      ".");
}

torch::Tensor mixed_rows(
    const torch::Tensor& weights, const torch::Tensor& all) {
  auto sizes = all.sizes().vec();
  sizes[0] = weights.size(0);
  return at::matmul(weights.to(all.scalar_type()), all.flatten(1)).view(sizes);
}

} // namespace polytask::detail
