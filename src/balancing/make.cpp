// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/make.h>

#include <algorithm>
#include <numeric>

#include "core/check.h"

#include "table.h"

namespace polytask::balancing {

namespace {

const detail::Table& all_methods() {
  static const detail::Table table = [] {
    detail::Table all;
    for (auto part :
         {detail::loss_methods(),
          detail::gramian_methods(),
          detail::jacobian_methods(),
          detail::bilevel_methods(),
          detail::wrappers()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.name < b.name;
    });
    return all;
  }();
  return table;
}

// How many letters to insert, drop or change (V. Levenshtein, 1966).
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

std::vector<std::string> near(const std::string& name) {
  std::vector<std::string> found;
  for (const auto& line : all_methods()) {
    if (edit_distance(name, line.name) <= 1 + name.size() / 4 ||
        (name.size() > 2 && line.name.find(name) != std::string::npos)) {
      found.push_back(line.name);
    }
  }
  return found;
}

} // namespace

std::unique_ptr<Balancing> make(
    const std::string& name, const OptionValues& options) {
  const auto& table = all_methods();
  const auto line =
      std::find_if(table.begin(), table.end(), [&](const auto& entry) {
        return entry.name == name;
      });
  if (line == table.end()) {
    const auto candidates = near(name);
    TORCH_CHECK_VALUE(
        false,
        "balancing: there is no method '",
        name,
        "'; ",
        candidates.empty() ? "there are " : "near it are ",
        polytask::detail::quoted(candidates.empty() ? names() : candidates),
        ".");
  }
  detail::OptionReader reader(name, options);
  auto made = line->make(reader);
  reader.check_all_read();
  return made;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& line : all_methods()) {
    all.push_back(line.name);
  }
  return all;
}

} // namespace polytask::balancing
