// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/calibrated.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

CalibratedLoss::CalibratedLoss(Loss inner, CalibratedLossOptions options)
    : inner_(std::move(inner)), options_(options) {
  TORCH_CHECK_VALUE(
      options_.weight() >= 0 && std::isfinite(options_.weight()),
      "CalibratedLoss: expected a finite weight of at least 0, but got ",
      options_.weight(),
      ".");
}

void CalibratedLoss::check(const Labels& labels) const {
  inner_.function().check(labels);
}

int64_t CalibratedLoss::ignore_index() const {
  return inner_.function().ignore_index();
}

bool CalibratedLoss::takes_weights() const {
  return inner_.function().takes_weights();
}

double CalibratedLoss::weigh(const Labels& labels) const {
  return inner_.function().total_weight(labels);
}

bool CalibratedLoss::can_use(const Labels& labels) const {
  return inner_.has_label(labels);
}

LossForm CalibratedLoss::own_form() const {
  return inner_.function().form().kind == LossForm::Kind::kUnknown
      ? LossForm()
      : LossForm::of<CalibratedLoss>(LossForm::Kind::kOfOutputs);
}

at::Tensor CalibratedLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      output.dim() == 2 && (output.size(1) == 1 || output.size(1) == 2),
      "CalibratedLoss: expected an output of shape [B, 2] (the logits of the "
      "task and of the one before) or [B, 1], but got ",
      output.sizes(),
      ".");
  const at::Tensor own = output.narrow(1, 0, 1);
  const at::Tensor loss = inner_(own, labels);
  if (output.size(1) == 1) {
    return loss;
  }
  TORCH_CHECK_VALUE(
      labels.target().sizes() == own.sizes(),
      "CalibratedLoss: expected a target of shape ",
      own.sizes(),
      " for an output of shape ",
      output.sizes(),
      ", but got ",
      labels.target().sizes(),
      ".");
  const at::Tensor excess =
      at::relu(at::sigmoid(own) - at::sigmoid(output.narrow(1, 1, 1)));
  if (!options_.sum()) {
    return loss + options_.weight() * detail::mean_over_present(excess, labels);
  }
  const at::Tensor present = detail::where_present(excess, labels);
  return loss +
      options_.weight() *
      (labels.is_weighted()
           ? present * labels.label_weights(present.scalar_type())
           : present)
          .sum();
}

void CalibratedLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::CalibratedLoss(";
  inner_.pretty_print(stream);
  stream << std::boolalpha << ", weight=" << options_.weight()
         << ", sum=" << options_.sum() << ")" << std::noboolalpha;
}

} // namespace polytask
