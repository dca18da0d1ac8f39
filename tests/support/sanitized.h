// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// 1 where the address sanitizer looks on: GCC says so by a macro, Clang by a
// feature.
#if defined(__SANITIZE_ADDRESS__)
#define POLYTASK_ADDRESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POLYTASK_ADDRESS_SANITIZED 1
#endif
#endif
#ifndef POLYTASK_ADDRESS_SANITIZED
#define POLYTASK_ADDRESS_SANITIZED 0
#endif
