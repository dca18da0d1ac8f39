// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/every_k_steps.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/per_group.h>
#include <polytask/balancing/preference.h>

#include "table.h"

namespace polytask::balancing::detail {

namespace {

// The option "method"; what the wrapper does not read itself is the method's.
std::unique_ptr<Balancing> wrapped(OptionReader& options) {
  const auto method = options.required_word("method");
  return make(method, options.take_rest());
}

std::unique_ptr<Balancing> wrapper_every_k_steps(OptionReader& options) {
  const auto k = options.required_integer("k");
  return std::make_unique<EveryKSteps>(wrapped(options), k);
}

std::unique_ptr<Balancing> wrapper_preference(OptionReader& options) {
  auto preferences = options.required_numbers("preferences");
  return std::make_unique<Preference>(wrapped(options), std::move(preferences));
}

std::unique_ptr<Balancing> wrapper_per_group(OptionReader& options) {
  auto sizes = options.integers("parameter_sizes");
  return std::make_unique<PerGroup>(wrapped(options), std::move(sizes));
}

} // namespace

Table wrappers() {
  return {
      {"every_k_steps", wrapper_every_k_steps},
      {"preference", wrapper_preference},
      {"per_group", wrapper_per_group},
  };
}

} // namespace polytask::balancing::detail
