// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace polytask::detail {

/// The cells that stand for a missing value; case makes no difference.
class MissingMarkers {
 public:
  explicit MissingMarkers(const std::vector<std::string>& markers);

  bool contains(std::string_view text) const {
    if (text.empty()) {
      return has_empty_;
    }
    // Few cells start as a marker does.
    const auto first = static_cast<unsigned char>(text[0]);
    return starts_[first] && contains_slowly(text);
  }

 private:
  bool contains_slowly(std::string_view text) const;

  std::vector<std::string> markers_;
  std::array<bool, 256> starts_{};
  bool has_empty_ = false;
};

} // namespace polytask::detail
