// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Plain loops, compiled once for each instruction set that matters; the machine
// picks at run time. A kernel is written once, as a function that is forced
// into each version and vectorised there.

#define POLYTASK_KERNEL [[gnu::always_inline]] inline

#if defined(__x86_64__) && defined(__GNUC__)
#define POLYTASK_TARGET_AVX2 [[gnu::target("avx2,fma")]]
#define POLYTASK_AVX512 "avx512f,avx512dq,avx512vl,avx512bw,fma"
#if defined(__clang__)
#define POLYTASK_TARGET_AVX512 [[gnu::target(POLYTASK_AVX512)]]
#else
// GCC would otherwise use half of each register.
#define POLYTASK_TARGET_AVX512 \
  [[gnu::target(POLYTASK_AVX512 ",prefer-vector-width=512")]]
#endif

namespace polytask::detail {

enum class InstructionSet { kBaseline, kAvx2, kAvx512 };

inline InstructionSet instruction_set() {
  static const InstructionSet best = [] {
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw")) {
      return InstructionSet::kAvx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        ? InstructionSet::kAvx2
        : InstructionSet::kBaseline;
  }();
  return best;
}

} // namespace polytask::detail

/// Defines `result name(parameters)`, which runs `body arguments`.
#define POLYTASK_MULTIVERSION(result, name, body, parameters, arguments) \
  POLYTASK_TARGET_AVX512 static result name##_avx512 parameters {        \
    return body arguments;                                               \
  }                                                                      \
  POLYTASK_TARGET_AVX2 static result name##_avx2 parameters {            \
    return body arguments;                                               \
  }                                                                      \
  result name parameters {                                               \
    using Instructions = ::polytask::detail::InstructionSet;             \
    switch (::polytask::detail::instruction_set()) {                     \
      case Instructions::kAvx512:                                        \
        return name##_avx512 arguments;                                  \
      case Instructions::kAvx2:                                          \
        return name##_avx2 arguments;                                    \
      default:                                                           \
        return body arguments;                                           \
    }                                                                    \
  }
#else
#define POLYTASK_MULTIVERSION(result, name, body, parameters, arguments) \
  result name parameters {                                               \
    return body arguments;                                               \
  }
#endif
