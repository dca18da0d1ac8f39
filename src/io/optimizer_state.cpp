// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/optimizer_state.h>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <polytask/optim/fused_adam.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/check.h"
#include "io/optimizer_forms.h"
#include "io/saved_optimizer.h"
#include "optim/optimizer_kind.h"

namespace polytask::io {

namespace {

using c10::impl::GenericDict;
using c10::impl::GenericList;
using detail::SavedOptimizer;
using detail::SavedParameter;
using torch::optim::Optimizer;

template <typename Work>
auto with_form_of(const Optimizer& optimizer, Work&& work) {
  const std::string kind = optim::detail::kind_of(optimizer);
  TORCH_CHECK_VALUE(
      kind == "SGD" || kind == "Adam" || kind == "AdamW",
      "expected an SGD, Adam or AdamW, but the optimizer is '",
      kind,
      "'.");
  if (kind == "SGD") {
    return work(detail::SGDForm());
  }
  return kind == "Adam" ? work(detail::AdamForm()) : work(detail::AdamWForm());
}

void synchronize_steps_of(const Optimizer& optimizer) {
  if (const auto* adam = dynamic_cast<const optim::FusedAdam*>(&optimizer)) {
    adam->synchronize_steps();
  }
  if (const auto* adamw = dynamic_cast<const optim::FusedAdamW*>(&optimizer)) {
    adamw->synchronize_steps();
  }
}

// ---- What the optimizer holds

struct HeldParameter {
  at::Tensor tensor;
  /// All that the module has for it, at least one.
  std::vector<std::string> names;
};

using HeldGroups = std::vector<std::vector<HeldParameter>>;

HeldGroups held_groups(
    const Optimizer& optimizer, const torch::nn::Module& module) {
  std::unordered_map<const c10::TensorImpl*, std::vector<std::string>> names;
  for (const auto& entry : module.named_parameters()) {
    names[entry.value().unsafeGetTensorImpl()].push_back(entry.key());
  }
  std::unordered_set<const c10::TensorImpl*> seen;
  HeldGroups groups;
  for (const auto& group : optimizer.param_groups()) {
    auto& held = groups.emplace_back();
    for (const auto& parameter : group.params()) {
      const auto found = names.find(parameter.unsafeGetTensorImpl());
      TORCH_CHECK_VALUE(
          found != names.end(),
          "parameter ",
          held.size(),
          " of the optimizer's group ",
          groups.size() - 1,
          ", of shape ",
          parameter.sizes(),
          ", is none of the module's.");
      TORCH_CHECK_VALUE(
          seen.insert(found->first).second,
          "the optimizer holds '",
          found->second.front(),
          "' twice; it would be stepped twice, and Python takes it once.");
      held.push_back({parameter, found->second});
    }
  }
  return groups;
}

// ---- To Python

template <typename Form>
c10::IValue written_state(
    const Optimizer& optimizer,
    const torch::nn::Module& module,
    Form /*form*/) {
  const HeldGroups held = held_groups(optimizer, module);
  synchronize_steps_of(optimizer);
  GenericDict states(c10::IntType::get(), c10::AnyType::get());
  GenericList groups(c10::AnyType::get());
  int64_t number = 0;
  for (size_t g = 0; g < held.size(); ++g) {
    const auto& options = static_cast<const typename Form::Options&>(
        optimizer.param_groups()[g].options());
    c10::List<std::string> names;
    c10::List<int64_t> numbers;
    for (const auto& parameter : held[g]) {
      const auto found =
          optimizer.state().find(parameter.tensor.unsafeGetTensorImpl());
      if (found != optimizer.state().end()) {
        GenericDict state = Form::state_dict(
            static_cast<const typename Form::State&>(*found->second), options);
        if (!state.empty()) {
          states.insert(number, std::move(state));
        }
      }
      names.push_back(parameter.names.front());
      numbers.push_back(number++);
    }
    GenericDict group = Form::options_dict(options);
    group.insert("param_names", std::move(names));
    group.insert("params", std::move(numbers));
    groups.push_back(group);
  }
  GenericDict written(c10::StringType::get(), c10::AnyType::get());
  written.insert("state", std::move(states));
  written.insert("param_groups", std::move(groups));
  return written;
}

// ---- From Python

struct SavedPlace {
  size_t group = 0;
  const SavedParameter* parameter = nullptr;
};

struct GroupSource {
  /// The saved group whose options it takes; none where it keeps its own.
  std::optional<size_t> options;
  /// One for each parameter.
  std::vector<SavedPlace> parameters;
};

std::vector<GroupSource> sources_by_order(
    const HeldGroups& held, const SavedOptimizer& saved) {
  TORCH_CHECK_VALUE(
      saved.groups.size() == held.size(),
      "the optimizer has ",
      held.size(),
      " groups of parameters, but the state dict ",
      saved.groups.size(),
      ", without names.");
  std::vector<GroupSource> sources;
  for (size_t g = 0; g < held.size(); ++g) {
    const auto& parameters = saved.groups[g].parameters;
    TORCH_CHECK_VALUE(
        parameters.size() == held[g].size(),
        "group ",
        g,
        " of the optimizer has ",
        held[g].size(),
        " parameters, but that of the state dict ",
        parameters.size(),
        ", without names.");
    auto& source = sources.emplace_back();
    source.options = g;
    for (const auto& parameter : parameters) {
      source.parameters.push_back({g, &parameter});
    }
  }
  return sources;
}

// Takes the parameter, by any of its names, out of `places`; null if it is not
// there.
SavedPlace place_by_name(
    const HeldParameter& parameter, std::map<std::string, SavedPlace>& places) {
  SavedPlace place;
  for (const auto& name : parameter.names) {
    const auto found = places.find(name);
    if (found == places.end()) {
      continue;
    }
    TORCH_CHECK_VALUE(
        place.parameter == nullptr,
        "'",
        place.parameter ? place.parameter->name : "",
        "' and '",
        name,
        "' are one parameter of the module, but two in the state dict.");
    place = found->second;
    places.erase(found);
  }
  return place;
}

std::vector<GroupSource> sources_by_name(
    const HeldGroups& held, const SavedOptimizer& saved) {
  std::map<std::string, SavedPlace> places;
  for (size_t g = 0; g < saved.groups.size(); ++g) {
    for (const auto& parameter : saved.groups[g].parameters) {
      places[parameter.name] = {g, &parameter};
    }
  }
  std::vector<GroupSource> sources;
  std::vector<std::string> missing;
  for (const auto& group : held) {
    auto& source = sources.emplace_back();
    for (const auto& parameter : group) {
      source.parameters.push_back(place_by_name(parameter, places));
      if (source.parameters.back().parameter == nullptr) {
        missing.push_back(parameter.names.front());
      }
    }
    if (!source.parameters.empty()) {
      source.options = source.parameters.front().group;
    }
  }
  std::vector<std::string> unexpected;
  for (const auto& place : places) {
    unexpected.push_back(place.first);
  }
  TORCH_CHECK_VALUE(
      missing.empty() && unexpected.empty(),
      "the parameters' names differ; missing in the state dict: ",
      polytask::detail::quoted(missing),
      "; unexpected, as the optimizer has none of that name: ",
      polytask::detail::quoted(unexpected),
      ".");
  return sources;
}

// The first option that differs; null if none does.
template <typename Form>
std::optional<std::string> differing_option(
    const typename Form::Options& one, const typename Form::Options& other) {
  const GenericDict others = Form::options_dict(other);
  for (const auto& entry : Form::options_dict(one)) {
    if (entry.value() != others.at(entry.key())) {
      return entry.key().toStringRef();
    }
  }
  return std::nullopt;
}

template <typename Form>
void check_equal_options(
    size_t group,
    const GroupSource& source,
    const std::vector<typename Form::Options>& options) {
  for (const auto& place : source.parameters) {
    const auto different =
        differing_option<Form>(options[*source.options], options[place.group]);
    TORCH_CHECK_VALUE(
        !different,
        "group ",
        group,
        " of the optimizer holds '",
        source.parameters.front().parameter->name,
        "' and '",
        place.parameter->name,
        "', for which the state dict has groups of different '",
        different.value_or(""),
        "'.");
  }
}

template <typename Form>
std::vector<typename Form::Options> saved_options(const SavedOptimizer& saved) {
  std::vector<typename Form::Options> options;
  for (const auto& group : saved.groups) {
    try {
      options.push_back(Form::options_of(group.options));
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(
          c10::str("group ", options.size(), " of the state dict: "));
    }
  }
  return options;
}

template <typename Form>
std::unique_ptr<typename Form::State> saved_state(
    const HeldParameter& parameter,
    const SavedPlace& place,
    const typename Form::Options& options) {
  if (!place.parameter->state) {
    return nullptr;
  }
  try {
    return Form::state_of(*place.parameter->state, parameter.tensor, options);
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with(
        "parameter '" + parameter.names.front() + "': ");
  }
}

template <typename Form>
void load_as(
    Optimizer& optimizer,
    const torch::nn::Module& module,
    const c10::IValue& state_dict,
    Form /*form*/) {
  using Options = typename Form::Options;
  const HeldGroups held = held_groups(optimizer, module);
  const SavedOptimizer saved = detail::saved_optimizer(state_dict);
  const std::vector<Options> options = saved_options<Form>(saved);
  const auto sources = saved.has_names ? sources_by_name(held, saved)
                                       : sources_by_order(held, saved);
  std::decay_t<decltype(optimizer.state())> states;
  for (size_t g = 0; g < held.size(); ++g) {
    check_equal_options<Form>(g, sources[g], options);
    for (size_t i = 0; i < held[g].size(); ++i) {
      const SavedPlace& place = sources[g].parameters[i];
      auto state = saved_state<Form>(held[g][i], place, options[place.group]);
      if (state) {
        states.emplace(
            held[g][i].tensor.unsafeGetTensorImpl(), std::move(state));
      }
    }
  }
  // A fused one writes a number of steps to its device only where it is another
  // than the last one that it knows; then that must be the device's, too.
  synchronize_steps_of(optimizer);
  // Nothing throws any more.
  std::swap(optimizer.state(), states);
  for (size_t g = 0; g < sources.size(); ++g) {
    if (sources[g].options) {
      static_cast<Options&>(optimizer.param_groups()[g].options()) =
          options[*sources[g].options];
    }
  }
}

} // namespace

c10::IValue optimizer_state_dict(
    const Optimizer& optimizer, const torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  try {
    return with_form_of(optimizer, [&](auto form) {
      return written_state(optimizer, module, form);
    });
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("optimizer_state_dict: ");
  }
}

void load_optimizer_state_dict(
    Optimizer& optimizer,
    const torch::nn::Module& module,
    const c10::IValue& state_dict) {
  const at::NoGradGuard no_grad;
  // States made in inference mode could not be stepped outside of it.
  const c10::InferenceMode normal(false);
  try {
    with_form_of(optimizer, [&](auto form) {
      load_as(optimizer, module, state_dict, form);
    });
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("load_optimizer_state_dict: ");
  }
}

} // namespace polytask::io
