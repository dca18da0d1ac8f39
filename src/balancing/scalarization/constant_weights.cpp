// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/constant_weights.h>

#include <cmath>
#include <utility>

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

namespace {

struct ConstantWeightsSettings {
  std::vector<double> weights;
};

} // namespace

ConstantWeights::ConstantWeights(std::vector<double> weights)
    : weights_(std::move(weights)) {
  check_options();
}

const detail::Description& ConstantWeights::description() {
  using namespace detail;
  static const Description made =
      Describe<ConstantWeightsSettings>("constant", "ConstantWeights")
          .option(
              "weights",
              &ConstantWeightsSettings::weights,
              any_number(),
              "w [T]")
          .required()
          .also({"scalarizer_constant"})
          .made_of<ConstantWeights>(
              [](const ConstantWeights& method) {
                return ConstantWeightsSettings{method.weights_};
              },
              [](ConstantWeightsSettings settings) {
                return std::make_unique<ConstantWeights>(
                    std::move(settings.weights));
              });
  return made;
}

void ConstantWeights::check_tasks(int64_t tasks) const {
  detail::check_one_each(weights_, tasks, name(), "weights");
}

std::optional<math::Vector> ConstantWeights::fixed_weights(
    const Extras& /*extras*/) {
  return of_present(weights_);
}

} // namespace polytask::balancing
