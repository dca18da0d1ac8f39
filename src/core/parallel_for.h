// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace polytask::detail {

/// at::parallel_for, which in a source that is compiled without OpenMP is a
/// loop: the one place that is compiled with it. Threads have the caller's
/// state, such as its grad mode.
void parallel_for(
    int64_t begin,
    int64_t end,
    int64_t grain_size,
    c10::function_ref<void(int64_t, int64_t)> pass);
/// Whether that takes more than one thread.
bool has_parallel_for();

} // namespace polytask::detail
