// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Marks what a shared build of polytask exports; all else stays hidden. CMake
/// defines POLYTASK_SHARED for it and its users, polytask_EXPORTS for itself.
#if defined(_WIN32) && defined(POLYTASK_SHARED)
#if defined(polytask_EXPORTS)
#define POLYTASK_API __declspec(dllexport)
#else
#define POLYTASK_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && !defined(_WIN32)
#define POLYTASK_API __attribute__((visibility("default")))
#else
#define POLYTASK_API
#endif
