// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <polytask/balancing/losses/uncertainty_weighting.h>

namespace polytask::balancing::detail {

Table loss_methods() {
  return {
      {"uncertainty_weighting",
       [](OptionReader& options) -> std::unique_ptr<Balancing> {
         return std::make_unique<UncertaintyWeighting>(
             UncertaintyWeightingOptions().initial(
                 options.number("initial log_var", 0)));
       }},
  };
}

} // namespace polytask::balancing::detail
