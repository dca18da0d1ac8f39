// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "missing_markers.h"

#include <algorithm>
#include <cctype>

namespace polytask::detail {

namespace {

int marker_letter(char letter) {
  return std::tolower(static_cast<unsigned char>(letter));
}

} // namespace

MissingMarkers::MissingMarkers(const std::vector<std::string>& markers)
    : markers_(markers) {
  for (const auto& marker : markers_) {
    if (marker.empty()) {
      has_empty_ = true;
      continue;
    }
    for (size_t code = 0; code < starts_.size(); ++code) {
      if (marker_letter(static_cast<char>(code)) == marker_letter(marker[0])) {
        starts_[code] = true;
      }
    }
  }
}

bool MissingMarkers::contains_slowly(std::string_view text) const {
  return std::any_of(markers_.begin(), markers_.end(), [&](const auto& marker) {
    return marker.size() == text.size() &&
        std::equal(
               text.begin(), text.end(), marker.begin(), [](char a, char b) {
                 return marker_letter(a) == marker_letter(b);
               });
  });
}

} // namespace polytask::detail
