// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/stochastic_depth.h"

#include <map>
#include <string>

namespace polytask::io::detail {

namespace {

bool is_operator(
    const ProgramStep& step, const char* name, const char* overload) {
  if (!step.op) {
    return false;
  }
  const auto& found = step.op->operator_name();
  return (found.name == name || found.name == std::string(name) + "_") &&
      found.overload_name == overload;
}

bool draws(const ProgramStep& step) {
  return (is_operator(step, "aten::bernoulli", "p") ||
          is_operator(step, "aten::bernoulli", "float")) &&
      step.operands[1].constant.isDouble();
}

// Its first operand by a number.
bool divides(const ProgramStep& step) {
  if (!is_operator(step, "aten::div", "Tensor") ||
      !step.operands[1].constant.isTensor()) {
    return false;
  }
  const auto& divisor = step.operands[1].constant.toTensor();
  return divisor.unsafeGetTensorImpl()->is_wrapped_number() &&
      divisor.is_floating_point();
}

} // namespace

bool turn_stochastic_depth(std::vector<ProgramStep>& steps) {
  std::map<Slot, ProgramStep*> drawn;
  bool found = false;
  for (auto& step : steps) {
    if (draws(step) && step.results[0].slots[0] != kNoSlot) {
      drawn[step.results[0].slots[0]] = &step;
    } else if (divides(step)) {
      const auto draw = drawn.find(step.operands[0].slot);
      if (draw != drawn.end() &&
          draw->second->operands[1].constant.toDouble() ==
              step.operands[1].constant.toTensor().item<double>()) {
        draw->second->in_eval.emplace(1, 1.0);
        step.in_eval.emplace(1, number_as_tensor(1.0));
        found = true;
      }
    }
  }
  return found;
}

} // namespace polytask::io::detail
