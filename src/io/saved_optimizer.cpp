// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/saved_optimizer.h"

#include <ATen/core/List.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/check.h"

namespace polytask::io::detail {

namespace {

using c10::impl::GenericDict;

constexpr auto kParameters = "params";
constexpr auto kParameterNames = "param_names";

using SavedStates = std::unordered_map<int64_t, GenericDict>;

SavedStates saved_states(const c10::IValue& value) {
  TORCH_CHECK_VALUE(
      value.isGenericDict(),
      "expected 'state' as a dict, but found ",
      value.tagKind(),
      ".");
  SavedStates states;
  for (const auto& entry : value.toGenericDict()) {
    TORCH_CHECK_VALUE(
        entry.key().isInt() && entry.value().isGenericDict(),
        "expected 'state' as dicts by the numbers of parameters, but found ",
        entry.value().tagKind(),
        " by the key ",
        entry.key(),
        ".");
    states.emplace(entry.key().toInt(), entry.value().toGenericDict());
  }
  return states;
}

std::vector<std::string> saved_names(const GenericDict& group) {
  std::vector<std::string> names;
  const c10::IValue value = group.at(kParameterNames);
  TORCH_CHECK_VALUE(
      value.isList(),
      "expected 'param_names' as a list, but found ",
      value.tagKind(),
      ".");
  for (const c10::IValue& name : value.toListRef()) {
    TORCH_CHECK_VALUE(
        name.isString() && !name.toStringRef().empty(),
        "expected names in 'param_names', but found ",
        name,
        ".");
    names.push_back(name.toStringRef());
  }
  return names;
}

// Takes what it finds out of `states`.
SavedGroup saved_group(
    const c10::IValue& value,
    SavedStates& states,
    std::unordered_set<int64_t>& seen) {
  TORCH_CHECK_VALUE(
      value.isGenericDict(),
      "expected a dict, but found ",
      value.tagKind(),
      ".");
  SavedGroup group{value.toGenericDict(), {}};
  TORCH_CHECK_VALUE(
      group.options.contains(kParameters) &&
          group.options.at(kParameters).isList(),
      "it has no list 'params'.");
  const c10::IValue parameters = group.options.at(kParameters);
  for (const c10::IValue& number : parameters.toListRef()) {
    TORCH_CHECK_VALUE(
        number.isInt(),
        "expected numbers in 'params', but found ",
        number,
        ".");
    TORCH_CHECK_VALUE(
        seen.insert(number.toInt()).second,
        "the parameter ",
        number,
        " comes twice.");
    const auto found = states.find(number.toInt());
    SavedParameter parameter;
    if (found != states.end()) {
      parameter.state = found->second;
      states.erase(found);
    }
    group.parameters.push_back(std::move(parameter));
  }
  if (group.options.contains(kParameterNames)) {
    const auto names = saved_names(group.options);
    TORCH_CHECK_VALUE(
        names.size() == group.parameters.size(),
        "it has ",
        group.parameters.size(),
        " 'params', but ",
        names.size(),
        " 'param_names'.");
    for (size_t i = 0; i < names.size(); ++i) {
      group.parameters[i].name = names[i];
    }
  }
  return group;
}

void check_saved_names(SavedOptimizer& saved) {
  std::unordered_set<std::string> names;
  size_t count = 0;
  for (const auto& group : saved.groups) {
    for (const auto& parameter : group.parameters) {
      ++count;
      TORCH_CHECK_VALUE(
          parameter.name.empty() || names.insert(parameter.name).second,
          "the name '",
          parameter.name,
          "' comes twice in the state dict.");
    }
  }
  TORCH_CHECK_VALUE(
      names.empty() || names.size() == count,
      "some groups of the state dict have 'param_names' and some have none.");
  saved.has_names = !names.empty();
}

} // namespace

SavedOptimizer saved_optimizer(const c10::IValue& state_dict) {
  constexpr auto kGroups = "param_groups";
  constexpr auto kStates = "state";
  TORCH_CHECK_VALUE(
      state_dict.isGenericDict() &&
          state_dict.toGenericDict().contains(kStates) &&
          state_dict.toGenericDict().contains(kGroups),
      "expected a dict with 'state' and 'param_groups', as "
      "optimizer.state_dict() gives it in Python; of a checkpoint, pass that "
      "part alone.");
  const GenericDict dict = state_dict.toGenericDict();
  SavedStates states = saved_states(dict.at(kStates));
  const c10::IValue groups = dict.at(kGroups);
  TORCH_CHECK_VALUE(
      groups.isList(),
      "expected 'param_groups' as a list, but found ",
      groups.tagKind(),
      ".");
  SavedOptimizer saved;
  std::unordered_set<int64_t> seen;
  for (const c10::IValue& group : groups.toListRef()) {
    try {
      saved.groups.push_back(saved_group(group, states, seen));
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(
          c10::str("group ", saved.groups.size(), " of the state dict: "));
    }
  }
  TORCH_CHECK_VALUE(
      states.empty(),
      "'state' has an entry ",
      states.begin()->first,
      ", which no group has among its 'params'.");
  check_saved_names(saved);
  return saved;
}

} // namespace polytask::io::detail
