// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/argmax.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <c10/util/Exception.h>

#include "core/check.h"

#include "preparation_state.h"

namespace polytask::data {

namespace {

using TargetKind = PreparationTarget::Kind;

void check_output(
    const detail::TargetCoding& target, const at::Tensor& output) {
  const auto count = static_cast<int64_t>(target.classes.vocabulary.size());
  TORCH_CHECK_VALUE(
      output.defined() && output.is_floating_point() &&
          (target.kind != TargetKind::kClass ||
           (output.dim() == 2 && output.size(1) == count)),
      "Preparation: task '",
      target.column,
      "': expected an output of a floating-point type",
      target.kind == TargetKind::kClass
          ? c10::str(" and of shape [n, ", count, "]")
          : "",
      ", but got ",
      output.defined() ? c10::str(output.scalar_type(), " ", output.sizes())
                       : "an undefined tensor",
      ".");
}

const detail::TargetCoding& of_numbers(const detail::TargetCoding& target) {
  TORCH_CHECK_VALUE(
      target.kind == TargetKind::kNumber,
      "Preparation: task '",
      target.column,
      "' has classes: it has neither scale nor shift.");
  return target;
}

// What the positive class is not.
std::string negative_name(const detail::TargetCoding& target) {
  const auto& all = target.classes.vocabulary;
  const auto positive = static_cast<size_t>(target.positive);
  return all.size() == 2 ? all[1 - positive] : "not " + all[positive];
}

} // namespace

const detail::TargetCoding& Preparation::State::target(
    const std::string& task) const {
  std::vector<std::string> tasks;
  for (const auto& target : targets) {
    if (target.column == task) {
      return target;
    }
    tasks.push_back(target.column);
  }
  C10_THROW_ERROR(
      ValueError,
      c10::str(
          "Preparation: there is no task '",
          task,
          "'; it has ",
          tasks.empty() ? "none" : detail::quoted(tasks),
          "."));
}

at::Tensor Preparation::answers(
    const std::string& task, const at::Tensor& output) const {
  const auto& target = state("answers").target(task);
  check_output(target, output);
  switch (target.kind) {
    case TargetKind::kClass:
      return output.softmax(1);
    case TargetKind::kBinary:
      return output.sigmoid();
    case TargetKind::kNumber:
      break;
  }
  return target.scaler().inverse(output.reshape({-1, 1})).view(output.sizes());
}

std::vector<std::string> Preparation::classes(
    const std::string& task, const at::Tensor& output) const {
  const auto& target = state("classes").target(task);
  check_output(target, output);
  TORCH_CHECK_VALUE(
      target.kind != TargetKind::kNumber,
      "Preparation: classes: task '",
      task,
      "' has numbers; take its answers.");
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(output.numel()));
  if (target.kind == TargetKind::kClass) {
    const at::Tensor best = output.argmax(1).cpu(); // [n]
    const auto* const place = best.const_data_ptr<int64_t>();
    for (int64_t row = 0; row < best.numel(); ++row) {
      names.push_back(
          target.classes.vocabulary[static_cast<size_t>(place[row])]);
    }
    return names;
  }
  const std::string& positive =
      target.classes.vocabulary[static_cast<size_t>(target.positive)];
  const std::string negative = negative_name(target);
  const at::Tensor is_positive = output.gt(0).flatten().cpu(); // [n]
  const auto* const is = is_positive.const_data_ptr<bool>();
  for (int64_t row = 0; row < is_positive.numel(); ++row) {
    names.push_back(is[row] ? positive : negative);
  }
  return names;
}

double Preparation::scale(const std::string& task) const {
  return of_numbers(state("scale").target(task)).scale;
}

double Preparation::shift(const std::string& task) const {
  return of_numbers(state("shift").target(task)).shift;
}

} // namespace polytask::data
