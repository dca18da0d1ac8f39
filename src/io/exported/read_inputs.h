// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "io/exported/program.h"
#include "io/exported/program_values.h"

namespace torch::_export {
class ExportedProgram;
} // namespace torch::_export

namespace polytask::io::detail {

/// What the nodes and outputs need to know of a program's weights.
struct KnownWeights {
  /// Their places by their names.
  std::map<std::string, size_t> places;
  /// The values that count batches.
  std::set<Slot> counters;
};

/// Whether a buffer counts the batches that a norm was trained with.
bool counts_batches(std::string_view buffer);

/// The weights and inputs of a file, and the ranges of sizes, into `program`.
KnownWeights read_inputs(
    const torch::_export::ExportedProgram& file,
    ProgramValues& values,
    Program& program);

} // namespace polytask::io::detail
