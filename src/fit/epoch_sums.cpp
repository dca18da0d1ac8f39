// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/epoch_sums.h"

#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <limits>

#include "core/archive.h"

namespace polytask::fit::detail {

namespace {

constexpr size_t kFetchedTogether = 256;

c10::IValue as_list(const std::vector<double>& numbers) {
  return c10::IValue(c10::List<double>(numbers));
}

} // namespace

EpochSums::EpochSums(int64_t tasks) : tasks_(static_cast<size_t>(tasks)) {
  reset();
}

void EpochSums::reset() {
  losses_.assign(tasks_, 0);
  weights_.assign(tasks_, 0);
  steps_.assign(tasks_, 0);
  waiting_.clear();
  added_ = 0;
}

template <typename Number>
void EpochSums::add_numbers(const Number* losses, const Number* weights) {
  for (size_t i = 0; i < tasks_; ++i) {
    if (weights[i] != 0) {
      losses_[i] += static_cast<double>(losses[i]);
      weights_[i] += static_cast<double>(weights[i]);
      ++steps_[i];
    }
  }
}

bool EpochSums::add_on_host(const StepReport& report) {
  const at::Tensor& losses = report.losses;
  const at::Tensor& weights = report.weights;
  if (!losses.is_cpu() || !weights.is_cpu() || !losses.is_contiguous() ||
      !weights.is_contiguous() ||
      losses.scalar_type() != weights.scalar_type()) {
    return false;
  }
  if (losses.scalar_type() == at::kFloat) {
    add_numbers(
        losses.const_data_ptr<float>(), weights.const_data_ptr<float>());
    return true;
  }
  if (losses.scalar_type() == at::kDouble) {
    add_numbers(
        losses.const_data_ptr<double>(), weights.const_data_ptr<double>());
    return true;
  }
  return false;
}

void EpochSums::add(const StepReport& report) {
  ++added_;
  if (add_on_host(report)) {
    return;
  }
  waiting_.push_back(
      at::stack({report.losses, report.weights.to(report.losses.options())}));
  if (waiting_.size() == kFetchedTogether) {
    fetch();
  }
}

void EpochSums::fetch() {
  if (waiting_.empty()) {
    return;
  }
  const at::Tensor steps =
      at::stack(waiting_).to(at::kCPU).to(at::kDouble).contiguous();
  waiting_.clear();
  const auto* step = steps.const_data_ptr<double>();
  for (int64_t i = 0; i < steps.size(0); ++i, step += 2 * tasks_) {
    add_numbers(step, step + tasks_);
  }
}

std::vector<double> EpochSums::means(const std::vector<double>& sums) const {
  std::vector<double> means;
  for (size_t i = 0; i < tasks_; ++i) {
    means.push_back(
        steps_[i] > 0 ? sums[i] / steps_[i]
                      : std::numeric_limits<double>::quiet_NaN());
  }
  return means;
}

std::vector<double> EpochSums::mean_losses() {
  fetch();
  return means(losses_);
}

std::vector<double> EpochSums::mean_weights() {
  fetch();
  return means(weights_);
}

void EpochSums::save(torch::serialize::OutputArchive& archive) {
  fetch();
  archive.write("added", c10::IValue(added_));
  archive.write("losses", as_list(losses_));
  archive.write("weights", as_list(weights_));
  archive.write("steps", as_list(steps_));
}

void EpochSums::load(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, "Fit");
  auto losses = reader.numbers("losses");
  auto weights = reader.numbers("weights");
  auto steps = reader.numbers("steps");
  TORCH_CHECK_VALUE(
      losses.size() == tasks_ && weights.size() == tasks_ &&
          steps.size() == tasks_,
      "Fit: expected the sums of ",
      tasks_,
      " tasks in the checkpoint, but found ",
      losses.size(),
      ".");
  reset();
  losses_ = std::move(losses);
  weights_ = std::move(weights);
  steps_ = std::move(steps);
  added_ = reader.integer("added");
}

} // namespace polytask::fit::detail
