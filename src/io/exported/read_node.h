// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <set>

#include "io/exported/program.h"
#include "io/exported/program_values.h"

namespace torch::_export {
class Node;
} // namespace torch::_export

namespace polytask::io::detail {

/// A node as a step, whose results it adds to `values`. Throws, with the node's
/// name, at what is refused. `counters`: the values that count batches.
ProgramStep read_node(
    const torch::_export::Node& node,
    ProgramValues& values,
    const std::set<Slot>& counters);

} // namespace polytask::io::detail
