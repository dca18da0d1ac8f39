// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/escm2.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include <polytask/task/losses/bce_with_logits.h>

#include "core/check.h"
#include "core/in_double.h"
#include "task/logit_of_product.h"

namespace polytask {

namespace {

const char* escm2_name(ESCM2Mode mode) {
  switch (mode) {
    case ESCM2Mode::kIPS:
      return "kIPS";
    case ESCM2Mode::kIPSOverClicks:
      return "kIPSOverClicks";
    default:
      return "kDR";
  }
}

void check_escm2_option(const char* name, double value) {
  TORCH_CHECK_VALUE(
      value >= 0 && std::isfinite(value),
      "ESCM2Loss: expected a finite ",
      name,
      " of at least 0, but got ",
      value,
      ".");
}

// The part of the whole that each of these rows is: [B].
at::Tensor shares_of_rows(const at::Tensor& output, const at::Tensor& weights) {
  const auto options = output.options().requires_grad(false);
  if (!weights.defined()) {
    return at::full(
        {output.size(0)}, 1.0 / static_cast<double>(output.size(0)), options);
  }
  const at::Tensor wide = weights.to(detail::widest_float(weights.device()));
  return (wide / wide.sum()).to(options);
}

} // namespace

ESCM2Loss::ESCM2Loss(ESCM2LossOptions options) : options_(options) {
  check_escm2_option("floor", options_.floor());
  check_escm2_option("log_epsilon", options_.log_epsilon());
  check_escm2_option("counterfactual_weight", options_.counterfactual_weight());
  check_escm2_option("global_weight", options_.global_weight());
  TORCH_CHECK_VALUE(
      options_.clip() > 0,
      "ESCM2Loss: expected a positive clip, but got ",
      options_.clip(),
      ".");
}

void ESCM2Loss::check(const Labels& labels) const {
  try {
    BCEWithLogitsLoss().check(labels);
  } catch (const c10::Error&) {
    detail::rethrow_with("ESCM2Loss: ");
  }
}

bool ESCM2Loss::can_use(const Labels& labels) const {
  return labels.is_complete() || labels.complete_rows().numel() > 0;
}

double ESCM2Loss::weigh(const Labels& labels) const {
  const Labels rows =
      labels.is_complete() ? labels : labels.select(labels.complete_rows());
  return rows.is_weighted() ? detail::sum_in_double(rows.weights())
                            : static_cast<double>(rows.target().size(0));
}

at::Tensor ESCM2Loss::entropy(
    const at::Tensor& logit, const at::Tensor& label) const {
  const double epsilon = options_.log_epsilon();
  if (epsilon == 0) {
    return at::binary_cross_entropy_with_logits(
        logit, label, {}, {}, at::Reduction::None);
  }
  return -label * at::log(at::sigmoid(logit) + epsilon) -
      (1 - label) * at::log(at::sigmoid(-logit) + epsilon);
}

at::Tensor ESCM2Loss::imputed(const at::Tensor& raw) const {
  switch (options_.imputation()) {
    case ESCM2Imputation::kIdentity:
      return raw;
    case ESCM2Imputation::kSigmoid:
      return at::sigmoid(raw);
    default:
      return at::softplus(raw);
  }
}

at::Tensor ESCM2Loss::corrected(
    const at::Tensor& output,
    const at::Tensor& click,
    const at::Tensor& errors,
    const at::Tensor& row_shares) const {
  const at::Tensor propensity = at::sigmoid(output.select(1, 0).detach());
  const double floor = options_.floor();
  const double clip = options_.clip();
  if (options_.mode() == ESCM2Mode::kIPSOverClicks) {
    const auto rows = static_cast<double>(output.size(0));
    const at::Tensor clicks = (click * row_shares).sum() * rows;
    const at::Tensor weight =
        (clicks * propensity).clamp_min(floor).reciprocal().clamp_max(clip);
    return (click * errors * weight * row_shares).sum() * rows;
  }
  const at::Tensor weight =
      click * propensity.clamp_min(floor).reciprocal().clamp_max(clip);
  if (options_.mode() == ESCM2Mode::kIPS) {
    return (errors * weight * row_shares).sum();
  }
  const at::Tensor guess = imputed(output.select(1, 2));
  const at::Tensor apart = errors - guess;
  return ((guess + (apart + apart.square()) * weight) * row_shares).sum();
}

at::Tensor ESCM2Loss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  const int64_t width = options_.mode() == ESCM2Mode::kDR ? 3 : 2;
  TORCH_CHECK_VALUE(
      output.dim() == 2 && output.size(1) == width,
      "ESCM2Loss: expected an output of shape [B, ",
      width,
      "] (logits of the click and of the conversion after it",
      width == 3 ? ", and the imputed loss" : "",
      "), but got ",
      output.sizes(),
      ".");
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      target.dim() == 2 && target.size(0) == output.size(0) &&
          target.size(1) == 2 && target.scalar_type() == output.scalar_type(),
      "ESCM2Loss: expected a target of shape [B, 2] (click, conversion) and "
      "dtype ",
      output.scalar_type(),
      " for an output of shape ",
      output.sizes(),
      ", but got ",
      target.sizes(),
      " of ",
      target.scalar_type(),
      ".");
  if (!labels.is_complete()) {
    const at::Tensor rows = labels.complete_rows();
    return rows.numel() == 0
        ? detail::no_loss(output)
        : evaluate(output.index_select(0, rows), labels.select(rows));
  }
  const at::Tensor shares = shares_of_rows(output, labels.weights());
  const at::Tensor click = target.select(1, 0);
  const at::Tensor conversion = target.select(1, 1);
  const at::Tensor click_logit = output.select(1, 0);
  const at::Tensor rate_logit = output.select(1, 1);
  at::Tensor loss = (entropy(click_logit, click) * shares).sum();
  loss = loss +
      options_.counterfactual_weight() *
          corrected(output, click, entropy(rate_logit, conversion), shares);
  const at::Tensor both = detail::logit_of_product({click_logit, rate_logit});
  return loss +
      options_.global_weight() * (entropy(both, conversion) * shares).sum();
}

void ESCM2Loss::pretty_print(std::ostream& stream) const {
  stream << "polytask::ESCM2Loss(mode=" << escm2_name(options_.mode())
         << ", clip=" << options_.clip() << ", floor=" << options_.floor()
         << ", log_epsilon=" << options_.log_epsilon()
         << ", counterfactual_weight=" << options_.counterfactual_weight()
         << ", global_weight=" << options_.global_weight() << ")";
}

} // namespace polytask
