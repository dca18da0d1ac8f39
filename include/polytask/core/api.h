// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Marks what a shared build of polytask exports; all else stays hidden.
#if defined(__GNUC__)
#define POLYTASK_API __attribute__((visibility("default")))
#else
#define POLYTASK_API
#endif
