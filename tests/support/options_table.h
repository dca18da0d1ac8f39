// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "balancing/description.h"

namespace polytask::testing {

/// All names under which a method can be made, its own first.
std::vector<std::string> names_of_method(
    const balancing::detail::Description& description);

/// What its page says of its options, in Markdown.
std::string options_table(const balancing::detail::Description& description);

} // namespace polytask::testing
