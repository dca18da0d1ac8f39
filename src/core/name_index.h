// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace polytask::detail {

/// Places of many names by their hash. The names stand elsewhere:
/// `name_of(place)` gives them.
class NameIndex {
 public:
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  /// For so many names.
  explicit NameIndex(size_t count) {
    size_t size = 4;
    while (size < 2 * count) {
      size *= 2;
    }
    slots_.resize(size);
  }

  /// False, and nothing is added, if the name of that place is there already.
  template <typename NameOf>
  bool add(size_t place, const NameOf& name_of) {
    uint32_t& slot = slots_[slot_of(name_of(place), name_of)];
    if (slot != 0) {
      return false;
    }
    slot = static_cast<uint32_t>(place + 1);
    return true;
  }

  template <typename NameOf>
  size_t find(const std::string& name, const NameOf& name_of) const {
    const uint32_t slot = slots_[slot_of(name, name_of)];
    return slot == 0 ? kNowhere : slot - 1;
  }

 private:
  // Where the name is, or would be.
  template <typename NameOf>
  size_t slot_of(const std::string& name, const NameOf& name_of) const {
    const size_t mask = slots_.size() - 1;
    size_t at = std::hash<std::string>()(name) & mask;
    while (slots_[at] != 0 && name_of(slots_[at] - 1) != name) {
      at = (at + 1) & mask;
    }
    return at;
  }

  /// A power of two, of which half stays empty; place + 1, or 0 for nothing.
  std::vector<uint32_t> slots_;
};

} // namespace polytask::detail
