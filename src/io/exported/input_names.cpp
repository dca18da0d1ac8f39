// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/input_names.h"

#include <c10/util/Exception.h>
#include <nlohmann/json.hpp>

namespace polytask::io::detail {

namespace {

using nlohmann::json;

constexpr int kDeepestProgramJson = 200;

// Keys of a dict; the places of a tuple or list.
std::vector<std::string> keys_of(const json& spec, size_t children) {
  std::vector<std::string> keys;
  const auto context = spec.find("context");
  if (context != spec.end() && context->is_string()) {
    const auto listed =
        json::parse(context->get_ref<const std::string&>(), nullptr, false);
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

// As deep as its JSON, which is bounded.
void add_leaves(
    const json& spec, const std::string& name, std::vector<std::string>& to) {
  const auto children = spec.find("children_spec");
  const auto type = spec.find("type");
  if (children == spec.end() || type == spec.end() || type->is_null()) {
    to.push_back(name);
    return;
  }
  const auto keys = keys_of(spec, children->size());
  for (size_t i = 0; i < keys.size(); ++i) {
    add_leaves((*children)[i], name + "." + keys[i], to);
  }
}

const json* children_of(const json& spec) {
  const auto children = spec.find("children_spec");
  return children == spec.end() || !children->is_array() ? nullptr : &*children;
}

} // namespace

json parse_json(const std::string& text) {
  bool too_deep = false;
  auto parsed = json::parse(
      text,
      [&](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > kDeepestProgramJson;
        return !too_deep;
      },
      /*allow_exceptions=*/false);
  TORCH_CHECK_VALUE(
      !too_deep && !parsed.is_discarded() && parsed.is_object(),
      "its program is no JSON object",
      too_deep ? ": it is nested too deeply." : ".");
  return parsed;
}

std::vector<std::string> input_names(
    const std::string& spec, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  const auto parsed = json::parse(spec, nullptr, false);
  // [version, (args, kwargs)]
  if (!parsed.is_array() || parsed.size() != 2) {
    return names;
  }
  const auto* const both = children_of(parsed[1]);
  if (both == nullptr || both->size() != 2) {
    return names;
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
          names);
    }
  }
  return names;
}

} // namespace polytask::io::detail
