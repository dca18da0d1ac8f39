// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <polytask/balancing/gramian/pcgrad.h>

namespace polytask::balancing::detail {

Table gramian_methods() {
  return {
      {"pcgrad",
       [](OptionReader&) -> std::unique_ptr<Balancing> {
         return std::make_unique<PCGrad>();
       }},
      // LibMTL's.
      {"pcgrad_libmtl",
       [](OptionReader&) -> std::unique_ptr<Balancing> {
         return std::make_unique<PCGrad>(
             PCGradOptions().own_index(true).eps(1e-8));
       }},
  };
}

} // namespace polytask::balancing::detail
