// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/stch_warmup.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "core/in_double.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "smooth_maximum.h"

namespace polytask::balancing {

STCHWarmup::STCHWarmup(STCHWarmupOptions options) : options_(options) {
  check_options();
  for (const char* kept : {"epoch", "sum", "count", "steps"}) {
    buffer(kept);
  }
}

const detail::Description& STCHWarmup::description() {
  using namespace detail;
  static const Description made =
      Describe<STCHWarmupOptions>("stch_warmup", "STCHWarmup")
          .option("mu", &STCHWarmupOptions::mu, above(0), "of the log-ratios")
          .option(
              "warmup_epoch",
              &STCHWarmupOptions::warmup_epoch,
              at_least(0),
              "E, counted from 0")
          .as("stch_libmtl",
              {{"STCH_mu", "mu"}, {"STCH_warmup_epoch", "warmup_epoch"}})
          .made_of(&STCHWarmup::options_);
  return made;
}

void STCHWarmup::start() {
  buffer("epoch") = at::scalar_tensor(0, at::kLong);
  buffer("sum") = at::zeros({tasks()}, at::kDouble);
  buffer("count") = at::zeros({tasks()}, at::kDouble);
  buffer("steps") = at::scalar_tensor(0, at::kLong);
}

void STCHWarmup::end_epoch() {
  if (tasks() > 0) {
    buffer("epoch") = buffer("epoch") + 1;
  }
}

at::Tensor STCHWarmup::value(const at::Tensor& losses, const Extras& extras) {
  // LibMTL's, so that no logarithm is infinite.
  constexpr double kTiny = 1e-20;
  detail::check_losses_above(losses, {0}, name());
  const at::Tensor given = detail::find_extra(extras, "epoch");
  if (given.defined()) {
    buffer("epoch") = given.detach().to(at::kCPU).to(at::kLong);
  }
  const auto epoch = buffer("epoch").item<int64_t>();
  if (epoch == options_.warmup_epoch()) {
    const at::Tensor now = polytask::detail::in_double(losses.detach());
    buffer("sum") = buffer("sum").to(now.device()) + now;
    buffer("count") =
        buffer("count").to(now.device()) + 1; // of the tasks that take part
    buffer("steps") = buffer("steps") + 1;
  }
  if (epoch <= options_.warmup_epoch()) {
    return at::log(losses + kTiny).sum();
  }
  TORCH_CHECK_VALUE(
      buffer("steps").item<int64_t>() > 0,
      name(),
      ": expected a step in epoch ",
      options_.warmup_epoch(),
      ", whose mean losses are the reference, before one in epoch ",
      epoch,
      ".");
  // A task without a label in that epoch starts from its first loss after it.
  const at::Tensor now = polytask::detail::in_double(losses.detach());
  const at::Tensor count = buffer("count").to(now.device());
  const at::Tensor late = count.eq(0);
  buffer("sum") = at::where(late, now, buffer("sum").to(now.device()));
  buffer("count") = at::where(late, at::ones_like(count), count);
  const at::Tensor reference =
      (buffer("sum") / buffer("count")).to(losses.options());
  return static_cast<double>(tasks()) *
      detail::smooth_maximum(
             at::log(losses / reference + kTiny), options_.mu());
}

} // namespace polytask::balancing
