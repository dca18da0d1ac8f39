// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/version.h>

// LibTorch's classes for the JSON of an exported program lack much of it
// before.
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 13
#define POLYTASK_HAS_PROGRAM_SCHEMA 1
#else
#define POLYTASK_HAS_PROGRAM_SCHEMA 0
#endif
