// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <string>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// `'a', 'b', 'c'`, for messages that list what there is.
POLYTASK_API std::string quoted(const std::vector<std::string>& names);

/// Throws the error that is being handled again, as the same kind of error
/// with `who` before its message. Call it inside a `catch`.
[[noreturn]] POLYTASK_API void rethrow_with(const std::string& who);

} // namespace polytask::detail
