// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/dwa.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>

#include "core/host_value.h"
#include "core/in_double.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "../softmax.h"
#include "../task_labels.h"

namespace polytask::balancing {

DWA::DWA(DWAOptions options) : options_(options) {
  check_options();
  for (const char* kept : {"epoch", "sum", "samples", "last", "before_last"}) {
    buffer(kept);
  }
}

const detail::Description& DWA::description() {
  using namespace detail;
  static const Description made = Describe<DWAOptions>("dwa", "DWA")
                                      .option(
                                          "temperature",
                                          &DWAOptions::temperature,
                                          above(0),
                                          "τ: the larger, the more equal")
                                      .also({"scalarizer_dwa"})
                                      .as("dwa_libmtl", {{"T", "temperature"}})
                                      .made_of(&DWA::options_);
  return made;
}

void DWA::start() {
  buffer("epoch") = at::scalar_tensor(0, at::kLong);
  buffer("sum") = at::zeros({tasks()}, at::kDouble);
  buffer("samples") = at::zeros({tasks()}, at::kDouble);
}

void DWA::end_epoch() {
  if (tasks() == 0) {
    return;
  }
  const at::Tensor samples = buffer("samples").to(at::kCPU);
  if (samples.min().item<double>() > 0) {
    buffer("before_last") = buffer("last");
    buffer("last") = buffer("sum").to(at::kCPU) / samples;
  }
  buffer("sum") = at::zeros({tasks()}, at::kDouble);
  buffer("samples") = at::zeros({tasks()}, at::kDouble);
  buffer("epoch") = buffer("epoch") + 1;
}

void DWA::track(const at::Tensor& losses, const Extras& extras) {
  const at::Tensor epoch = detail::find_extra(extras, "epoch");
  if (epoch.defined()) {
    const auto number = epoch.item<int64_t>();
    if (number != buffer("epoch").item<int64_t>()) {
      end_epoch();
      buffer("epoch") = at::scalar_tensor(number, at::kLong);
    }
  }
  // On the losses' device, so that nothing waits for it.
  const at::Tensor now = polytask::detail::in_double(losses.detach());
  at::Tensor samples = detail::find_extra(extras, "samples");
  samples = samples.defined() ? samples.to(now.options())
                              : at::ones({}, now.options());
  buffer("sum") = buffer("sum").to(now.device()) + samples * now;
  buffer("samples") = buffer("samples").to(now.device()) + samples;
}

math::Vector DWA::epoch_weights() const {
  const auto last = detail::host_values(buffer("last"), name());
  const auto before = detail::host_values(buffer("before_last"), name());
  math::Vector logits(last.size());
  for (size_t task = 0; task < last.size(); ++task) {
    TORCH_CHECK_VALUE(
        before[task] != 0,
        name(),
        ": expected mean losses other than 0, but that of ",
        detail::task_label(task),
        " was 0 in the epoch before the last.");
    constexpr double kLargest = std::numeric_limits<double>::max();
    logits[task] = std::clamp(
        last[task] / before[task] / options_.temperature(),
        -kLargest,
        kLargest);
  }
  auto weights = detail::softmax_of(std::move(logits));
  for (double& weight : weights) {
    weight *= static_cast<double>(tasks());
  }
  return weights;
}

at::Tensor DWA::value(const at::Tensor& losses, const Extras& extras) {
  track(losses, extras);
  if (!buffer("before_last").defined()) {
    return losses.sum();
  }
  const at::Tensor weights =
      polytask::detail::host_vector(epoch_weights(), losses.options());
  return (weights * losses).sum();
}

} // namespace polytask::balancing
