// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/experts/dselect_gate.h"

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <utility>

#include "sharing/cloning.h"
#include "sharing/matching.h"

namespace polytask::detail {

namespace {

// As the authors' programs start what weighs the selectors.
constexpr double kSelectorBound = 0.05;

// A selector that reaches no expert at all has no gradient back, and would make
// the loss infinite.
constexpr double kLeastReached = 1e-6;

int64_t binary_digits(int64_t experts) {
  int64_t digits = 0;
  while (int64_t{1} << digits < experts) {
    ++digits;
  }
  return digits;
}

// [experts, digits], the highest first.
torch::Tensor expert_codes(
    int64_t experts, int64_t digits, const torch::TensorOptions& options) {
  const torch::Tensor numbers = torch::arange(experts, torch::kLong);
  std::vector<torch::Tensor> columns;
  for (int64_t digit = digits; digit-- > 0;) {
    columns.push_back(numbers.floor_divide(int64_t{1} << digit).remainder(2));
  }
  return torch::stack(columns, 1).to(options);
}

} // namespace

DSelectGate::DSelectGate(const DSelectKOptions& options)
    : Gate("polytask::DSelectGate"),
      options_(options),
      digits_(binary_digits(options.experts())) {
  const torch::NoGradGuard no_grad;
  const int64_t selectors = options_.nonzeros();
  const double bound = options_.gamma() / 100;
  const auto start = [](const torch::Tensor& values, double limit) {
    torch::Tensor(values).uniform_(-limit, limit);
  };
  if (options_.example_conditioned()) {
    digit_logits_ = register_module(
        "digits",
        torch::nn::Linear(options_.in_features(), selectors * digits_));
    selector_logits_ = register_module(
        "selectors", torch::nn::Linear(options_.in_features(), selectors));
    start(digit_logits_->weight, bound);
    start(digit_logits_->bias, bound);
    start(selector_logits_->weight, kSelectorBound);
    start(selector_logits_->bias, kSelectorBound);
    return;
  }
  digits_parameter_ =
      register_parameter("digits", torch::empty({selectors * digits_}));
  selectors_parameter_ =
      register_parameter("selectors", torch::empty({selectors}));
  start(digits_parameter_, bound);
  start(selectors_parameter_, kSelectorBound);
}

// 0 below -γ/2, 1 above γ/2, between them a cubic that meets both smoothly.
torch::Tensor DSelectGate::smooth_step(const torch::Tensor& values) const {
  const double gamma = options_.gamma();
  const torch::Tensor cubic = values.pow(3) * (-2 / (gamma * gamma * gamma)) +
      values * (3 / (2 * gamma)) + 0.5;
  const torch::Tensor lower =
      torch::where(values <= -gamma / 2, torch::zeros_like(values), cubic);
  return torch::where(values >= gamma / 2, torch::ones_like(values), lower);
}

torch::Tensor DSelectGate::shares(const torch::Tensor& rows) {
  const int64_t selectors = options_.nonzeros();
  const bool is_static = !options_.example_conditioned();
  const torch::Tensor digits = (is_static ? digits_parameter_.unsqueeze(0)
                                          : digit_logits_->forward(rows))
                                   .view({-1, selectors, 1, digits_});
  const torch::Tensor weights = torch::softmax(
      is_static ? selectors_parameter_.unsqueeze(0)
                : selector_logits_->forward(rows),
      1);
  const torch::Tensor steps = smooth_step(digits);
  const torch::Tensor codes =
      expert_codes(options_.experts(), digits_, steps.options());
  // [B, k, experts]: the probability that a selector writes an expert's number.
  const torch::Tensor selected =
      (codes * steps + (1 - codes) * (1 - steps)).prod(3);
  if (is_training()) {
    loss_ = selected.requires_grad() ? loss_of(selected) : torch::Tensor();
  }
  const torch::Tensor shares = (weights.unsqueeze(2) * selected).sum(1);
  return is_static ? shares.expand({rows.size(0), options_.experts()}) : shares;
}

torch::Tensor DSelectGate::loss_of(const torch::Tensor& selected) const {
  torch::Tensor sum;
  if (options_.entropy_weight() != 0) {
    sum = (selected * torch::log(selected + 1e-6)).sum() *
        -options_.entropy_weight();
  }
  if (options_.reachability_weight() != 0 && !is_power_of_two()) {
    const torch::Tensor lost =
        (1 / selected.sum(2).clamp_min(kLeastReached)).sum() *
        options_.reachability_weight();
    sum = sum.defined() ? sum + lost : lost;
  }
  return sum;
}

torch::Tensor DSelectGate::take_loss() {
  return std::exchange(loss_, {});
}

std::shared_ptr<Gate> DSelectGate::with_more(
    int64_t /*place*/, int64_t /*added*/) {
  TORCH_CHECK(false, "DSelectK: its experts are those of all tasks.");
}

std::shared_ptr<Gate> DSelectGate::copy(
    const std::optional<torch::Device>& device) const {
  auto made = std::make_shared<DSelectGate>(options_);
  copy_state(*this, *made, device);
  complete_clone(*this, *made);
  return made;
}

} // namespace polytask::detail
