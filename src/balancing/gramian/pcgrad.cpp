// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/pcgrad.h>

#include "../describe.h"
#include "../extras.h"

namespace polytask::balancing {

const detail::Description& PCGrad::description() {
  using namespace detail;
  static const Description made =
      Describe<PCGradOptions>("pcgrad", "PCGrad")
          .flag(
              "own_index",
              &PCGradOptions::own_index,
              "project on the own gradient too")
          .option("eps", &PCGradOptions::eps, at_least(0), "added to |g_j|²")
          .as("pcgrad_libmtl",
              {},
              [](PCGradOptions& options) { options.own_index(true).eps(1e-8); })
          .made_of(&PCGrad::options_);
  return made;
}

math::Vector PCGrad::compute(
    const math::Matrix& gramian, const Extras& extras) {
  const auto orders =
      detail::orders_of(extras, "permutations", tasks(), random());
  math::Vector weights(orders.size(), 0.0);
  // x = Jᵀ a is followed by its products p = J x = G a.
  math::Vector products;
  for (int64_t i = 0; i < tasks(); ++i) {
    const auto start = gramian.row(i);
    products.assign(start.begin(), start.end());
    weights[static_cast<size_t>(i)] += 1;
    for (const int64_t j : orders[static_cast<size_t>(i)]) {
      const auto other = static_cast<size_t>(j);
      const double square = gramian(j, j) + options_.eps();
      // A square may be 0 where the products are not, once it underflows.
      if ((j == i && !options_.own_index()) ||
          !(products[other] < 0 && square > 0)) {
        continue;
      }
      const double step = products[other] / square;
      weights[other] -= step;
      for (size_t k = 0; k < products.size(); ++k) {
        products[k] -= step * gramian.row(j)[k];
      }
    }
  }
  return weights;
}

} // namespace polytask::balancing
