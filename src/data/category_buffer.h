// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <polytask/data/categories.h>

#include "missing_markers.h"
#include "number_buffer.h"

namespace polytask::detail {

/// A column of texts, of which each is kept once.
class CategoryBuffer {
 public:
  void push_back(std::string_view text) {
    const size_t hash = std::hash<std::string_view>()(text);
    const int32_t code = slots_[place_of(text, hash)].code;
    codes_.push_back(code != kNone ? code : add(text, hash));
  }

  /// The codes as int32, for a vocabulary in ascending order of the bytes
  /// without the `missing` ones; takes the memory over.
  data::Categories release(const MissingMarkers& missing) &&;

 private:
  static constexpr int32_t kNone = -1;

  // One of a hash table whose collisions go to the next free slot: a standard
  // one misses the cache twice as often.
  struct Slot {
    uint64_t hash = 0;
    int32_t code = kNone;
  };

  // Of the text, or free.
  size_t place_of(std::string_view text, size_t hash) const {
    const size_t mask = slots_.size() - 1;
    size_t place = hash & mask;
    while (slots_[place].code != kNone && !holds(slots_[place], text, hash)) {
      place = (place + 1) & mask;
    }
    return place;
  }
  bool holds(const Slot& slot, std::string_view text, size_t hash) const {
    return slot.hash == hash && texts_[static_cast<size_t>(slot.code)] == text;
  }

  int32_t add(std::string_view text, size_t hash);
  void grow();

  // Their number is a power of two.
  std::vector<Slot> slots_ = std::vector<Slot>(64);
  // In the order of their first rows.
  std::vector<std::string> texts_;
  NumberBuffer<int32_t> codes_;
};

} // namespace polytask::detail
