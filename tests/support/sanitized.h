// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#if defined(__linux__)
extern "C" __attribute__((weak)) void __asan_init();
#endif

namespace polytask::testing {

/// Whether the address sanitizer looks on. It is a question of what was linked:
/// the tests' own objects are the same with it and without.
inline bool is_address_sanitized() {
#if defined(__linux__)
  return __asan_init != nullptr;
#else
  return false;
#endif
}

} // namespace polytask::testing
