// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/fit.h>

#include <string>
#include <utility>
#include <vector>

namespace polytask::fit::detail {

/// What was trained and how, as it is in effect: names and values.
std::vector<std::pair<std::string, std::string>> report_facts(Fit& fit);

} // namespace polytask::fit::detail
