// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "core/check.h"
#include "io/exported/program.h"

namespace polytask::io::detail {

namespace {

using Values = std::vector<c10::IValue>;

const char* name_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::kTensor:
      return "a tensor";
    case ValueKind::kInt:
      return "an integer";
    case ValueKind::kFloat:
      return "a real number";
    case ValueKind::kBool:
      return "a boolean";
  }
  return "";
}

// A real number may be a whole one, as in Python.
c10::IValue result_of_kind(c10::IValue value, ValueKind kind) {
  if (kind == ValueKind::kFloat && value.isInt()) {
    return static_cast<double>(value.toInt());
  }
  const bool fits = kind == ValueKind::kTensor ? value.isTensor()
      : kind == ValueKind::kInt                ? value.isInt()
      : kind == ValueKind::kFloat              ? value.isDouble()
                                               : value.isBool();
  TORCH_CHECK_VALUE(
      fits,
      "the program expects ",
      name_of(kind),
      ", and the result is of the kind ",
      value.tagKind(),
      ".");
  return value;
}

void keep_results(
    const ProgramStep& step, torch::jit::Stack& stack, Values& values) {
  TORCH_CHECK_VALUE(
      stack.size() == step.results.size(),
      "the program expects ",
      step.results.size(),
      " results, and there are ",
      stack.size(),
      ".");
  for (size_t i = 0; i < stack.size(); ++i) {
    const auto& result = step.results[i];
    if (!result.is_list) {
      if (result.slots[0] != kNoSlot) {
        values[result.slots[0]] =
            result_of_kind(std::move(stack[i]), result.kind);
      }
      continue;
    }
    auto tensors = stack[i].toTensorVector();
    TORCH_CHECK_VALUE(
        tensors.size() == result.slots.size(),
        "the program expects a list of ",
        result.slots.size(),
        " tensors, and there are ",
        tensors.size(),
        ".");
    for (size_t j = 0; j < tensors.size(); ++j) {
      if (result.slots[j] != kNoSlot) {
        values[result.slots[j]] = std::move(tensors[j]);
      }
    }
  }
}

// Not a weight or an input itself, which would stay so; a view of it may be.
void check_is_own(
    const at::Tensor& changed,
    const std::vector<at::Tensor>& weights_now,
    const std::vector<at::Tensor>& inputs_now) {
  const auto is_it = [&](const at::Tensor& tensor) {
    return tensor.is_same(changed);
  };
  TORCH_CHECK_VALUE(
      std::none_of(weights_now.begin(), weights_now.end(), is_it) &&
          std::none_of(inputs_now.begin(), inputs_now.end(), is_it),
      "would change, in place, the shape or the graph of a tensor that is no "
      "value of the program's own.");
}

void take_step(
    const ProgramStep& step,
    const at::Device& device,
    bool training,
    torch::jit::Stack& stack,
    Values& values) {
  stack.clear();
  for (size_t i = 0; i < step.operands.size(); ++i) {
    const bool in_eval = !training && step.in_eval && step.in_eval->first == i;
    stack.push_back(
        in_eval ? step.in_eval->second
                : value_of(step.operands[i], values, device));
  }
  if (step.only_in_training && !training) {
    stack.resize(1);
  } else if (step.op) {
    step.op->callBoxed(stack);
  } else {
    auto result = step.symbol(stack);
    stack.clear();
    stack.push_back(std::move(result));
  }
  keep_results(step, stack, values);
  for (const auto slot : step.done) {
    values[slot] = c10::IValue();
  }
}

} // namespace

std::vector<at::Tensor> Program::run(
    const std::vector<at::Tensor>& weights_now,
    const std::vector<at::Tensor>& inputs_now,
    bool training) const {
  check_sizes(inputs_now);
  Values values(slots);
  for (size_t i = 0; i < weights.size(); ++i) {
    values[weights[i].slot] =
        weights[i].is_updated ? weights_now[i].clone() : weights_now[i];
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    values[inputs[i].slot] = inputs_now[i];
  }
  const at::Device device = !weights_now.empty() ? weights_now[0].device()
      : !inputs_now.empty()                      ? inputs_now[0].device()
                                                 : at::Device(at::kCPU);
  torch::jit::Stack stack;
  for (const auto& step : steps) {
    try {
      if (step.changes_shape) {
        check_is_own(
            values[step.operands[0].slot].toTensor(), weights_now, inputs_now);
      }
      take_step(step, device, training, stack, values);
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(
          "node '" + step.node + "' (" + step.target + "): ");
    }
  }
  for (const auto& update : updates) {
    const auto& now = weights_now[update.weight];
    const auto& result = values[update.result].toTensor();
    TORCH_CHECK_VALUE(
        result.defined() && result.sizes() == now.sizes(),
        "the buffer '",
        weights[update.weight].name,
        "' has the shape ",
        now.sizes(),
        ", and the program has ",
        result.defined() ? result.sizes() : at::IntArrayRef(),
        " for it.");
  }
  const at::NoGradGuard no_grad;
  for (const auto& update : updates) {
    if (training || !update.only_in_training) {
      weights_now[update.weight].copy_(values[update.result].toTensor());
    }
  }
  std::vector<at::Tensor> found;
  found.reserve(outputs.size());
  for (const auto slot : outputs) {
    found.push_back(values[slot].toTensor());
  }
  return found;
}

void Program::check_sizes(const std::vector<at::Tensor>& inputs_now) const {
  struct Seen {
    int64_t size;
    const ProgramInput* input;
    size_t dimension;
  };
  const auto place = [](const ProgramInput& input, size_t dimension) {
    return "dimension " + std::to_string(dimension) + " of input '" +
        input.name + "'";
  };
  std::map<std::string, Seen> symbols;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& input = inputs[i];
    const auto given = inputs_now[i].sizes();
    TORCH_CHECK_VALUE(
        given.size() == input.sizes.size(),
        "input '",
        input.name,
        "' has ",
        input.sizes.size(),
        " dimensions in the program, and a tensor of the shape ",
        given,
        " was given.");
    for (size_t d = 0; d < given.size(); ++d) {
      const auto& size = input.sizes[d];
      if (!size.is_symbol) {
        TORCH_CHECK_VALUE(
            given[d] == size.number,
            place(input, d),
            " is ",
            size.number,
            " in the program, and a tensor of the shape ",
            given,
            " was given; a dimension that may change is exported as a dynamic "
            "one (dynamic_shapes of torch.export.export).");
        continue;
      }
      if (const auto range = ranges.find(size.symbol); range != ranges.end()) {
        TORCH_CHECK_VALUE(
            given[d] >= range->second.least && given[d] <= range->second.most,
            place(input, d),
            " may be from ",
            range->second.least,
            " to ",
            range->second.most,
            " in the program, and is ",
            given[d],
            "; torch.export.Dim(\"batch\", min=1) exports it from 1 on.");
      }
      if (size.symbol.empty()) {
        continue;
      }
      const auto& seen =
          symbols.try_emplace(size.symbol, Seen{given[d], &input, d})
              .first->second;
      TORCH_CHECK_VALUE(
          seen.size == given[d],
          place(input, d),
          " is as large as ",
          place(*seen.input, seen.dimension),
          " in the program; they are ",
          given[d],
          " and ",
          seen.size,
          ".");
    }
  }
}

} // namespace polytask::io::detail
