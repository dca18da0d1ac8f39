// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/uniform_at.h"

namespace polytask::detail {

namespace {

uint64_t split_mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

} // namespace

double uniform_at(uint64_t seed, std::initializer_list<int64_t> place) {
  uint64_t state = split_mix(seed);
  for (const int64_t coordinate : place) {
    state = split_mix(state ^ static_cast<uint64_t>(coordinate));
  }
  // The middle of one of 2^52 parts, so neither 0 nor 1.
  return (static_cast<double>(state >> 12U) + 0.5) * 0x1p-52;
}

} // namespace polytask::detail
