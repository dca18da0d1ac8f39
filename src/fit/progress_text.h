// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include <polytask/core/api.h>

#include "fit/progress_numbers.h"
#include "fit/terminal.h"

namespace polytask::fit::detail {

/// The lines of a table: narrower than the terminal, and fewer than its rows.
POLYTASK_API std::vector<std::string> progress_table(
    const ProgressMoment& moment,
    polytask::detail::TerminalSize size,
    polytask::detail::TerminalStyle style);

/// The moment in one line, without its end.
POLYTASK_API std::string progress_line(const ProgressMoment& moment);

} // namespace polytask::fit::detail
