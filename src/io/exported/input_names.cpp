// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/input_names.h"

#include <c10/util/Exception.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string_view>

#include "core/json_checks.h"

namespace polytask::io::detail {

namespace {

using nlohmann::json;

constexpr size_t kDeepestProgramJson = 200;
constexpr size_t kLongestInputName = 1000;

// Discarded where it is none, or is nested too deeply: what follows would call
// itself as often. (The parser's own callback takes the square of the time.)
json parse_bounded(const std::string& text) {
  return polytask::detail::json_depth(text) > kDeepestProgramJson
      ? json(json::value_t::discarded)
      : json::parse(text, nullptr, /*allow_exceptions=*/false);
}

// Keys of a dict; the places of a tuple or list.
std::vector<std::string> keys_of(const json& spec, size_t children) {
  std::vector<std::string> keys;
  const auto context = spec.find("context");
  if (context != spec.end() && context->is_string()) {
    const auto listed = parse_bounded(context->get_ref<const std::string&>());
    if (listed.is_array()) {
      for (const auto& key : listed) {
        keys.push_back(key.is_string() ? key.get<std::string>() : key.dump());
      }
    }
  }
  if (keys.size() != children) {
    keys.clear();
    for (size_t i = 0; i < children; ++i) {
      keys.push_back(std::to_string(i));
    }
  }
  return keys;
}

// Integers are integers of 64 bits: the schema would take what is near.
void check_integers(const json& value, const std::string& key) {
  const bool is_real =
      key == "as_float" || key == "as_floats" || key == "real" || key == "imag";
  TORCH_CHECK_VALUE(
      is_real || !value.is_number() || polytask::detail::is_json_integer(value),
      "its number ",
      value.is_number() ? value.dump() : "",
      " of '",
      key,
      "' is no integer of 64 bits.");
  if (value.is_object()) {
    for (const auto& [name, part] : value.items()) {
      check_integers(part, name);
    }
  } else if (value.is_array()) {
    for (const auto& part : value) {
      check_integers(part, key);
    }
  }
}

const json* children_of(const json& spec) {
  if (!spec.is_object()) {
    return nullptr;
  }
  const auto children = spec.find("children_spec");
  return children == spec.end() || !children->is_array() ? nullptr : &*children;
}

// Those within a tuple or a dict, as deep as the JSON, which is bounded. It
// ends where there are too many, or too long ones: they may repeat a key.
void add_leaves(
    const json& spec,
    const std::string& name,
    size_t most,
    std::vector<std::string>& to) {
  if (to.size() > most || name.size() > kLongestInputName) {
    to.resize(most + 1);
    return;
  }
  const auto* const children = children_of(spec);
  if (children == nullptr || !spec.contains("type") || spec["type"].is_null()) {
    to.push_back(name);
    return;
  }
  const auto keys = keys_of(spec, children->size());
  for (size_t i = 0; i < keys.size(); ++i) {
    add_leaves((*children)[i], name + "." + keys[i], most, to);
  }
}

} // namespace

json parse_json(const std::string& text) {
  auto parsed = parse_bounded(text);
  TORCH_CHECK_VALUE(
      parsed.is_object(),
      "its program is no JSON object, or one that is nested too deeply.");
  check_integers(parsed, "");
  return parsed;
}

std::vector<std::string> input_names(
    const std::string& spec,
    const std::vector<std::string>& arguments,
    size_t count) {
  std::vector<std::string> names;
  const auto parsed = parse_bounded(spec);
  // [version, (args, kwargs)]
  if (!parsed.is_array() || parsed.size() != 2) {
    return {};
  }
  const auto* const both = children_of(parsed[1]);
  if (both == nullptr || both->size() != 2) {
    return {};
  }
  size_t next = 0;
  for (const auto& group : *both) {
    const auto* const children = children_of(group);
    if (children == nullptr) {
      return {};
    }
    const auto keys = keys_of(group, children->size());
    for (size_t i = 0; i < children->size(); ++i, ++next) {
      add_leaves(
          (*children)[i],
          next < arguments.size() ? arguments[next] : keys[i],
          count,
          names);
    }
  }
  const std::set<std::string_view> different(names.begin(), names.end());
  return names.size() == count && different.size() == count
      ? names
      : std::vector<std::string>();
}

} // namespace polytask::io::detail
