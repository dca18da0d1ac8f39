// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/loss_function.h>

#include <c10/util/Exception.h>

namespace polytask {

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
  return labels.is_empty() ? detail::no_loss(output) : evaluate(output, labels);
}

bool LossFunction::has_label(const Labels& labels) const {
  return labels.ignore_index() == ignore_index()
      ? !labels.is_empty()
      : !labels.with_ignore_index(ignore_index()).is_empty();
}

at::Tensor detail::no_loss(const at::Tensor& output) {
  // Not output * 0, which is NaN where the output is infinite.
  return output.flatten().narrow(0, 0, 0).sum();
}

} // namespace polytask
