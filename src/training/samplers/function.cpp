// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/function.h>

#include <c10/util/Exception.h>

#include <utility>

namespace polytask {

FunctionSampler::FunctionSampler(
    Function function, FunctionSamplerOptions options)
    : function_(std::move(function)), options_(options) {
  TORCH_CHECK_VALUE(function_, "FunctionSampler: the function is empty.");
}

int64_t FunctionSampler::draw() {
  const int64_t task = function_({tasks(), draws(), generator(), takes_part()});
  TORCH_CHECK_VALUE(
      task >= 0 && task < static_cast<int64_t>(tasks().size()),
      "FunctionSampler: expected a task from 0 to ",
      tasks().size() - 1,
      ", but the function returned ",
      task,
      ".");
  return task;
}

} // namespace polytask
