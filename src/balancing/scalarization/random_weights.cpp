// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/random_weights.h>

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "../softmax.h"

namespace polytask::balancing {

const detail::Description& RandomWeights::description() {
  using namespace detail;
  static const Description made =
      Describe<NoOptions>("random", "RandomWeights")
          .also({"rlw", "scalarizer_random"})
          .made_of<RandomWeights>(
              [](const RandomWeights& /*method*/) { return NoOptions(); },
              [](NoOptions /*options*/) {
                return std::make_unique<RandomWeights>();
              });
  return made;
}

std::optional<math::Vector> RandomWeights::fixed_weights(const Extras& extras) {
  math::Vector normals;
  const at::Tensor given = detail::find_extra(extras, "normals");
  if (given.defined()) {
    normals = detail::host_values(given, name() + ": normals");
    detail::check_one_each(normals, tasks(), name(), "normals");
  } else {
    for (int64_t task = 0; task < tasks(); ++task) {
      normals.push_back(random().normal());
    }
  }
  return detail::softmax_of(normals);
}

} // namespace polytask::balancing
