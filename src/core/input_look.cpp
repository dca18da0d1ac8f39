// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/input_look.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "core/missing.h"

namespace polytask::detail {

bool InputLook::is_due_apart(const Batch& batch) {
  return std::any_of(
      batch.parts_.begin(), batch.parts_.end(), [&](const auto& part) {
        return is_due_in(batch, part);
      });
}

DueInputs InputLook::due_in(const Batch& batch, const Batch::Part& part) {
  if (!is_due_in(batch, part)) {
    return {};
  }
  return {
      {of(batch, part),
       &part.inputs,
       batch.shares_input_ ? std::string() : part.task}};
}

DueInputs InputLook::due_in(const Batch& batch) {
  if (batch.shares_input_) {
    return due_in(batch, batch.parts_[0]);
  }
  DueInputs all;
  for (const Batch::Part& part : batch.parts_) {
    for (DueInput& due : due_in(batch, part)) {
      all.push_back(std::move(due));
    }
  }
  return all;
}

namespace {

// Integers cannot be NaN.
template <typename Visit>
void for_each_due(const DueInputs& inputs, const Visit& visit) {
  for (const DueInput& input : inputs) {
    if (!input.look->is_due()) {
      continue;
    }
    input.inputs->for_each([&](const std::string& name, const at::Tensor& one) {
      if (one.is_floating_point()) {
        visit(input, name, one);
      }
    });
  }
}

} // namespace

void look_through(const DueInputs& inputs) {
  std::vector<at::Tensor> tensors;
  std::vector<std::string> called;
  for_each_due(
      inputs,
      [&](const DueInput& input,
          const std::string& name,
          const at::Tensor& one) {
        tensors.push_back(one);
        called.push_back(
            (input.inputs->is_tensor() ? "" : " '" + name + "'") +
            (input.task.empty() ? "" : " of task '" + input.task + "'"));
      });
  const auto nans = count_missing(tensors, Labels::kIgnoreIndex);
  for (size_t i = 0; i < nans.size(); ++i) {
    TORCH_CHECK_VALUE(
        nans[i] == 0,
        "Batch: the input",
        called[i],
        " holds ",
        nans[i],
        " NaN. Fill or drop missing inputs; only labels may be missing.");
  }
  for (const DueInput& input : inputs) {
    input.look->settle();
  }
}

} // namespace polytask::detail
