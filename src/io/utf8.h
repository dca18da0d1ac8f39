// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <polytask/core/api.h>

namespace polytask::io::detail {

/// Whether it is UTF-8 as Python's pickles hold it: lone surrogates may be in
/// it.
POLYTASK_API bool is_utf8(std::string_view text);

} // namespace polytask::io::detail
