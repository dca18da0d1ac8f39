// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include <polytask/core/api.h>
#include <polytask/sharing/sharing.h>

namespace polytask::detail {

/// The place of a task that the sharing serves. Throws `c10::IndexError`, and
/// names the sharing, the place and the number of tasks, where there is none.
POLYTASK_API size_t task_place(const Sharing& sharing, int64_t task);

/// Throws where not all tasks are asked for.
POLYTASK_API void check_all_tasks(const Sharing& sharing, int64_t tasks);

/// The same of sharings that need nothing of their tasks: before they serve
/// any, all places and numbers from 0 on are good.
POLYTASK_API void check_any_place(const Sharing& sharing, int64_t task);
POLYTASK_API void check_any_number(const Sharing& sharing, int64_t tasks);

} // namespace polytask::detail
