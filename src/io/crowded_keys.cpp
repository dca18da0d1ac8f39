// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/crowded_keys.h"

#include <algorithm>
#include <cstdint>

namespace polytask::io::detail {

// The table of c10/util/order_preserving_flat_hash_map.h: places by Fibonacci
// hashing, the next free place where one is taken, growth where that is log2 of
// its size away. Here, one of 16 to 32 places for each key.
bool are_crowded(const std::vector<size_t>& hashes) {
  int bits = 4;
  while ((hashes.size() >> (bits - 4)) != 0) {
    ++bits;
  }
  std::vector<uint64_t> places;
  places.reserve(hashes.size());
  for (const size_t hash : hashes) {
    places.push_back((11400714819323198485ULL * hash) >> (64 - bits));
  }
  std::sort(places.begin(), places.end());
  uint64_t free = 0;
  for (const uint64_t place : places) {
    free = std::max(free, place);
    if (free - place >= static_cast<uint64_t>(bits)) {
      return true;
    }
    ++free;
  }
  return false;
}

} // namespace polytask::io::detail
