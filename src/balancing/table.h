// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/balancing/balancing.h>

#include "option_reader.h"

namespace polytask::balancing::detail {

/// One line of the table of methods: a name, and how its options are read.
struct TableLine {
  std::string name;
  std::unique_ptr<Balancing> (*make)(OptionReader& options);
};

using Table = std::vector<TableLine>;

// The table, by what the methods read.
Table loss_methods();
Table gramian_methods();
Table jacobian_methods();
Table bilevel_methods();
/// Methods that are made of the one in their option "method".
Table wrappers();

} // namespace polytask::balancing::detail
