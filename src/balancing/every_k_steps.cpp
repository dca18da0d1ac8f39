// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/every_k_steps.h>

#include <ATen/ops/scalar_tensor.h>

#include <utility>

#include "checks.h"
#include "describe.h"

namespace polytask::balancing {

namespace {

struct EveryKStepsSettings {
  std::shared_ptr<Balancing> method;
  int64_t k = 1;
};

} // namespace

EveryKSteps::EveryKSteps(std::unique_ptr<Balancing> method, int64_t k)
    : Described(std::move(method), "every_k_steps"), k_(k) {
  check_options();
  keep_weights();
}

const detail::Description& EveryKSteps::description() {
  using namespace detail;
  static const Description made =
      Describe<EveryKStepsSettings>("every_k_steps", "EveryKSteps")
          .with_inner("method", "", &EveryKStepsSettings::method, "the method")
          .option("k", &EveryKStepsSettings::k, at_least(1), "steps")
          .required()
          .made_of<EveryKSteps>(
              [](const EveryKSteps& method) {
                return EveryKStepsSettings{borrowed(method.inner()), method.k_};
              },
              [](EveryKStepsSettings settings) {
                return std::make_unique<EveryKSteps>(
                    settings.method->clone(), settings.k);
              });
  return made;
}

void EveryKSteps::start() {
  start_weights();
}

bool EveryKSteps::wants_gradients() const {
  return !has_weights(k_);
}

math::Vector EveryKSteps::compute(
    const math::Matrix& gramian, const Extras& extras) {
  if (!wants_gradients()) {
    return repeated();
  }
  auto weights = inner().solve(gramian, extras);
  set_weights(weights);
  return weights;
}

math::Vector EveryKSteps::repeated() {
  return take_weights();
}

} // namespace polytask::balancing
