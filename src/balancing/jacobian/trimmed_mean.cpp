// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/trimmed_mean.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/sort.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "../checks.h"

namespace polytask::balancing {

TrimmedMean::TrimmedMean(TrimmedMeanOptions options) : options_(options) {
  detail::check_option(
      options_.trim() >= 0,
      name(),
      "a trim",
      "from 0 on",
      static_cast<double>(options_.trim()));
}

void TrimmedMean::check_tasks(int64_t tasks) const {
  TORCH_CHECK_VALUE(
      tasks > 2 * options_.trim(),
      name(),
      ": expected at least ",
      2 * options_.trim() + 1,
      " tasks to leave out ",
      options_.trim(),
      " at each end, but got ",
      tasks,
      ".");
}

at::Tensor TrimmedMean::combine(
    const at::Tensor& jacobian, const Extras& /*extras*/) {
  // Of the few tasks of a step some have to stay.
  const int64_t trim = std::min(options_.trim(), (tasks() - 1) / 2);
  const auto [sorted, order] = at::sort(jacobian, 0);
  return sorted.narrow(0, trim, tasks() - 2 * trim).mean(0);
}

} // namespace polytask::balancing
