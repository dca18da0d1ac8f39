// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// NOLINTBEGIN(modernize-macro-to-enum): for the preprocessor, and CMake's
#define POLYTASK_VERSION_MAJOR 0
#define POLYTASK_VERSION_MINOR 1
#define POLYTASK_VERSION_PATCH 0
// NOLINTEND(modernize-macro-to-enum)
