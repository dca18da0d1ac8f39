// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/function_schema.h>

#include <functional>
#include <string>
#include <vector>

#include "io/exported/program.h"

namespace torch::_export {
class Argument;
} // namespace torch::_export

namespace polytask::io::detail {

/// Where the value of a name stands; throws where nothing before made it.
using SlotOf = std::function<Slot(const std::string& name)>;

/// How an argument of a node is made, as the operator's own argument wants it:
/// an integer in the file may be a number, a boolean or a list there. Null for
/// a function of Python's, which takes numbers.
Operand operand_of(
    const torch::_export::Argument& argument,
    const c10::Argument* wanted,
    const SlotOf& slot_of);

/// Throws where an operand is none that the operator's argument takes; `kinds`
/// of the values by their slots. Without `wanted` it must be a number.
void check_operand(
    const Operand& operand,
    const c10::Argument* wanted,
    const std::vector<ValueKind>& kinds);

/// The same of a result: what the file says of it, and what the operator
/// gives.
void check_result(const Result& result, const c10::Argument& given);

} // namespace polytask::io::detail
