// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/krum.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

Krum::Krum(KrumOptions options) : options_(options) {
  check_options();
}

const detail::Description& Krum::description() {
  using namespace detail;
  static const Description made =
      Describe<KrumOptions>("krum", "Krum")
          .option("byzantine", &KrumOptions::byzantine, at_least(0), "f")
          .or_by("n_byzantine")
          .option("selected", &KrumOptions::selected, at_least(1), "m")
          .or_by("n_selected")
          .flag("squared", &KrumOptions::squared, "false as TorchJD")
          .made_of(&Krum::options_);
  return made;
}

void Krum::check_tasks(int64_t tasks) const {
  const int64_t byzantine = options_.byzantine();
  TORCH_CHECK_VALUE(
      tasks >= options_.selected() &&
          (byzantine == 0 || tasks >= byzantine + 3),
      name(),
      ": selects ",
      options_.selected(),
      " rows of which ",
      byzantine,
      " may be Byzantine, and needs at least ",
      std::max(options_.selected(), byzantine == 0 ? 1 : byzantine + 3),
      " tasks, but got ",
      tasks,
      ".");
}

math::Vector Krum::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  const auto count = static_cast<size_t>(gramian.size());
  math::Vector scores(count, 0.0);
  math::Vector distances;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    distances.clear();
    for (int64_t j = 0; j < gramian.size(); ++j) {
      if (j != i) {
        const double square =
            std::max(gramian(i, i) + gramian(j, j) - 2 * gramian(i, j), 0.0);
        distances.push_back(options_.squared() ? square : std::sqrt(square));
      }
    }
    std::sort(distances.begin(), distances.end());
    const int64_t wanted =
        std::max<int64_t>(gramian.size() - options_.byzantine() - 2, 1);
    const auto neighbours =
        std::min(distances.size(), static_cast<size_t>(wanted));
    for (size_t k = 0; k < neighbours; ++k) {
      scores[static_cast<size_t>(i)] += distances[k];
    }
  }
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return scores[a] < scores[b];
  });
  const auto selected =
      std::min(count, static_cast<size_t>(options_.selected()));
  math::Vector weights(count, 0.0);
  for (size_t k = 0; k < selected; ++k) {
    weights[order[k]] = 1 / static_cast<double>(selected);
  }
  return weights;
}

} // namespace polytask::balancing
