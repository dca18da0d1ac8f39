// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/cross_entropy.h>

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <c10/util/Exception.h>

#include <optional>
#include <utility>
#include <vector>

#include "core/check.h"

namespace polytask {

CrossEntropyLoss::CrossEntropyLoss(CrossEntropyLossOptions options)
    : options_(std::move(options)) {
  const double smoothing = options_.label_smoothing();
  TORCH_CHECK_VALUE(
      smoothing >= 0 && smoothing <= 1,
      "CrossEntropyLoss: expected a label smoothing from 0 to 1, but got ",
      smoothing,
      ".");
  const auto& weights = options_.class_weights();
  TORCH_CHECK_VALUE(
      !weights.defined() ||
          (weights.dim() == 1 && weights.ge(0).all().item<bool>()),
      "CrossEntropyLoss: expected class weights of shape [C], none negative, "
      "but got ",
      weights,
      ".");
}

at::Tensor CrossEntropyLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      output.dim() >= 2,
      "expected class scores of shape [B, C], but the output has shape ",
      output.sizes(),
      ".");
  std::vector<int64_t> shape = output.sizes().vec();
  shape.erase(shape.begin() + 1);
  TORCH_CHECK_VALUE(
      target.sizes() == at::IntArrayRef(shape),
      "expected class indices of shape ",
      at::IntArrayRef(shape),
      " for an output of shape ",
      output.sizes(),
      ", but got ",
      target.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      target.scalar_type() == at::kLong,
      "expected class indices of dtype Long, but got ",
      target.scalar_type(),
      ".");
  std::optional<at::Tensor> weights;
  if (options_.class_weights().defined()) {
    weights = options_.class_weights().to(output.options());
  }
  try {
    return at::cross_entropy_loss(
        output,
        target,
        weights,
        at::Reduction::Mean,
        options_.ignore_index(),
        options_.label_smoothing());
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str("with ", output.size(1), " classes: "));
  }
}

void CrossEntropyLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::CrossEntropyLoss(ignore_index="
         << options_.ignore_index()
         << ", label_smoothing=" << options_.label_smoothing() << ")";
}

} // namespace polytask
