// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace polytask::io::detail {

/// The text as a JSON object; throws where it is none, is nested too deeply, or
/// has numbers that are no integers where the schema has integers alone.
nlohmann::json parse_json(const std::string& text);

/// One name for each leaf of what the program's forward takes, whose structure
/// `spec` tells (of `torch.utils._pytree`): the argument's own, and what leads
/// to it inside of tuples (`x.0`) and dicts (`x.key`). None where there are not
/// `count` of them, or two alike.
std::vector<std::string> input_names(
    const std::string& spec,
    const std::vector<std::string>& arguments,
    size_t count);

} // namespace polytask::io::detail
