// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/geometric_mean.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

const detail::Description& GeometricMean::description() {
  using namespace detail;
  static const Description made =
      Describe<NoOptions>("geometric_mean", "GeometricMean")
          .also({"gls", "scalarizer_geometric_mean"})
          .made_of<GeometricMean>(
              [](const GeometricMean& /*method*/) { return NoOptions(); },
              [](NoOptions /*options*/) {
                return std::make_unique<GeometricMean>();
              });
  return made;
}

at::Tensor GeometricMean::value(
    const at::Tensor& losses, const Extras& /*extras*/) {
  detail::check_losses_above(losses, {0}, name());
  return at::exp(detail::safe_log(losses).mean());
}

} // namespace polytask::balancing
