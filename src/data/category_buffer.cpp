// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "category_buffer.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace polytask::detail {

int32_t CategoryBuffer::add(std::string_view text, size_t hash) {
  const auto code = static_cast<int32_t>(texts_.size());
  texts_.emplace_back(text);
  slots_[place_of(text, hash)] = {hash, code};
  if (2 * texts_.size() > slots_.size()) {
    grow();
  }
  return code;
}

void CategoryBuffer::grow() {
  const std::vector<Slot> before =
      std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : before) {
    if (slot.code != kNone) {
      size_t place = slot.hash & mask;
      while (slots_[place].code != kNone) {
        place = (place + 1) & mask;
      }
      slots_[place] = slot;
    }
  }
}

data::Categories CategoryBuffer::release(const MissingMarkers& missing) && {
  slots_ = {};
  std::vector<int32_t> order(texts_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto text_of = [&](int32_t code) -> std::string& {
    return texts_[static_cast<size_t>(code)];
  };
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return text_of(a) < text_of(b);
  });
  data::Categories column;
  std::vector<int32_t> sorted(texts_.size(), -1);
  for (const int32_t code : order) {
    if (!missing.contains(text_of(code))) {
      sorted[static_cast<size_t>(code)] =
          static_cast<int32_t>(column.vocabulary.size());
      column.vocabulary.push_back(std::move(text_of(code)));
    }
  }
  for (int32_t& code : codes_) {
    code = sorted[static_cast<size_t>(code)];
  }
  const auto rows = static_cast<int64_t>(codes_.size());
  column.codes = std::move(codes_).release({rows});
  return column;
}

} // namespace polytask::detail
