// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/rename_hint.h"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace polytask::io::detail {

namespace {

// Names from the file that are looked at; a hint is worth no long search.
constexpr size_t kMostNames = 200;

using Prefixes = std::pair<std::string, std::string>;

// The prefixes in which they differ, where all behind them, of whole words, is
// the same.
std::optional<Prefixes> differing_prefixes(
    const std::string& own, const std::string& theirs) {
  size_t same = 0;
  while (same < own.size() && same < theirs.size() &&
         own[own.size() - 1 - same] == theirs[theirs.size() - 1 - same]) {
    ++same;
  }
  const auto begins_word = [same](const std::string& name, size_t length) {
    return length <= same &&
        (length == name.size() || name[name.size() - 1 - length] == '.');
  };
  for (size_t length = same; length > 0; --length) {
    if (begins_word(own, length) && begins_word(theirs, length)) {
      return Prefixes(
          theirs.substr(0, theirs.size() - length),
          own.substr(0, own.size() - length));
    }
  }
  return std::nullopt;
}

// How many it gives a place; none where one would have another shape.
size_t count_fitting(
    const Prefixes& prefixes,
    const std::unordered_map<std::string, const NamedShape*>& missing,
    const std::vector<NamedShape>& unexpected) {
  const auto& [from, to] = prefixes;
  size_t count = 0;
  for (const auto& theirs : unexpected) {
    if (!theirs.name.starts_with(from)) {
      continue;
    }
    const auto own = missing.find(to + theirs.name.substr(from.size()));
    if (own != missing.end()) {
      if (own->second->sizes != theirs.sizes) {
        return 0;
      }
      ++count;
    }
  }
  return count;
}

} // namespace

std::string rename_hint(
    const std::vector<NamedShape>& missing,
    const std::vector<NamedShape>& unexpected) {
  std::unordered_map<std::string, const NamedShape*> by_name;
  for (const auto& own : missing) {
    by_name.emplace(own.name, &own);
  }
  std::map<Prefixes, size_t> counts;
  for (size_t i = 0; i < std::min(missing.size(), kMostNames); ++i) {
    for (size_t j = 0; j < std::min(unexpected.size(), kMostNames); ++j) {
      if (missing[i].sizes != unexpected[j].sizes) {
        continue;
      }
      const auto prefixes =
          differing_prefixes(missing[i].name, unexpected[j].name);
      if (prefixes && !counts.contains(*prefixes)) {
        counts[*prefixes] = count_fitting(*prefixes, by_name, unexpected);
      }
    }
  }
  const auto best = std::max_element(
      counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      });
  return best == counts.end() || best->second == 0
      ? ""
      : c10::str(
            " rename(\"",
            best->first.first,
            "\", \"",
            best->first.second,
            "\") would give ",
            best->second,
            " of them the module's names.");
}

} // namespace polytask::io::detail
