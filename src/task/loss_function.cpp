// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/loss_function.h>

#include <c10/util/Exception.h>

#include <sstream>
#include <string>

#include "core/in_double.h"

namespace polytask {

namespace {

bool is_half(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kHalf ||
      tensor.scalar_type() == at::kBFloat16;
}

std::string name_of(const LossFunction& loss) {
  std::ostringstream name;
  loss.pretty_print(name);
  return name.str();
}

} // namespace

at::Tensor LossFunction::operator()(
    const at::Tensor& output, const at::Tensor& target) const {
  return (*this)(output, Labels(target, ignore_index()));
}

at::Tensor LossFunction::operator()(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      output.device() == labels.target().device(),
      "the output is on ",
      output.device(),
      ", but the target on ",
      labels.target().device(),
      ".");
  if (labels.ignore_index() != ignore_index()) {
    return (*this)(output, labels.with_ignore_index(ignore_index()));
  }
  if (is_half(output)) {
    return (*this)(
        output.to(at::kFloat),
        is_half(labels.target()) ? labels.to(at::kFloat) : labels);
  }
  if (is_half(labels.target())) {
    return (*this)(output, labels.to(output.scalar_type()));
  }
  check(labels);
  return labels.is_empty() ? detail::no_loss(output) : evaluate(output, labels);
}

bool LossFunction::has_label(const Labels& labels) const {
  if (labels.ignore_index() != ignore_index()) {
    return has_label(labels.with_ignore_index(ignore_index()));
  }
  return !labels.is_empty() && can_use(labels);
}

double LossFunction::total_weight(const Labels& labels) const {
  if (labels.ignore_index() != ignore_index()) {
    return total_weight(labels.with_ignore_index(ignore_index()));
  }
  return labels.is_empty() ? 0 : weigh(labels);
}

double LossFunction::weigh(const Labels& labels) const {
  if (!labels.is_weighted()) {
    return static_cast<double>(labels.present());
  }
  return detail::sum_in_double(
      labels.label_weights(detail::widest_float(labels.target().device())));
}

LossForm LossFunction::form() const {
  const LossForm own = own_form();
  return own.class_of != nullptr && *own.class_of == typeid(*this) ? own
                                                                   : LossForm();
}

std::string LossFunction::recording_obstacle(at::Device /*device*/) const {
  return "nobody knows whether its loss can be recorded";
}

void LossFunction::check(const Labels& labels) const {
  TORCH_CHECK_VALUE(
      !labels.is_weighted() || takes_weights(),
      "rows have weights, of which ",
      name_of(*this),
      " knows nothing. Give a function (output, target, weights) or a "
      "LossFunction whose takes_weights() says that it heeds them.");
}

at::Tensor detail::no_loss(const at::Tensor& output) {
  // Not output * 0, which is NaN where the output is infinite.
  return output.flatten().narrow(0, 0, 0).sum();
}

} // namespace polytask
