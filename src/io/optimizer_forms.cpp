// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/optimizer_forms.h"

#include <ATen/core/List.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/check.h"

namespace polytask::io::detail {

namespace {

using c10::impl::GenericDict;

GenericDict empty_fields() {
  return GenericDict(c10::StringType::get(), c10::AnyType::get());
}

// ---- Options

double field_number(const c10::IValue& value, const std::string& what) {
  if (value.isDouble() || value.isInt()) {
    return value.isInt() ? static_cast<double>(value.toInt())
                         : value.toDouble();
  }
  TORCH_CHECK_VALUE(
      value.isTensor() && value.toTensor().defined() &&
          value.toTensor().numel() == 1 && !value.toTensor().is_complex(),
      "expected ",
      what,
      " as a number, but found ",
      value.tagKind(),
      ".");
  return value.toTensor().item().toDouble();
}

double number_field(const GenericDict& fields, const std::string& key) {
  return field_number(fields.at(key), "'" + key + "'");
}

bool flag_field(const GenericDict& fields, const std::string& key) {
  const c10::IValue value = fields.at(key);
  TORCH_CHECK_VALUE(
      value.isBool(),
      "expected '",
      key,
      "' as True or False, but found ",
      value.tagKind(),
      ".");
  return value.toBool();
}

std::tuple<double, double> betas_field(const GenericDict& fields) {
  const c10::IValue value = fields.at("betas");
  std::vector<c10::IValue> betas;
  if (value.isTuple()) {
    betas = value.toTupleRef().elements().vec();
  } else if (value.isList()) {
    betas = value.toListRef().vec();
  }
  TORCH_CHECK_VALUE(betas.size() == 2, "expected two numbers as 'betas'.");
  return {field_number(betas[0], "'betas'"), field_number(betas[1], "'betas'")};
}

void check_has_options(
    const GenericDict& group,
    const char* kind,
    const std::vector<std::string>& keys) {
  std::vector<std::string> missing;
  for (const auto& key : keys) {
    if (!group.contains(key)) {
      missing.push_back(key);
    }
  }
  TORCH_CHECK_VALUE(
      missing.empty(),
      "it has no ",
      polytask::detail::quoted(missing),
      ", as an ",
      kind,
      "'s has; it is of another kind of optimizer.");
}

void refuse_maximize(const GenericDict& group) {
  const auto found = group.find("maximize");
  TORCH_CHECK_VALUE(
      found == group.end() || found->value().isNone() ||
          (found->value().isBool() && !found->value().toBool()),
      "'maximize' is set, which LibTorch has not; minimize the negated loss.");
}

// By its own rules.
template <typename Optimizer, typename Options>
void check_with_libtorch(const Options& options) {
  try {
    Optimizer(std::vector<at::Tensor>{}, options);
  } catch (const c10::Error& error) {
    TORCH_CHECK_VALUE(false, error.what_without_backtrace());
  }
}

void add_options_of_python(GenericDict& fields, bool has_capturable) {
  fields.insert("maximize", false);
  fields.insert("foreach", c10::IValue());
  if (has_capturable) {
    fields.insert("capturable", false);
  }
  fields.insert("differentiable", false);
  fields.insert("fused", c10::IValue());
}

// ---- States

void check_state_keys(
    const GenericDict& state,
    const std::vector<std::string>& needed,
    const std::vector<std::string>& known) {
  std::vector<std::string> missing;
  for (const auto& key : needed) {
    if (!state.contains(key)) {
      missing.push_back(key);
    }
  }
  TORCH_CHECK_VALUE(
      missing.empty(),
      "its state has no ",
      polytask::detail::quoted(missing),
      ".");
  for (const auto& entry : state) {
    TORCH_CHECK_VALUE(
        entry.key().isString() &&
            std::find(known.begin(), known.end(), entry.key().toStringRef()) !=
                known.end(),
        "its state has an unknown entry ",
        entry.key(),
        "; it is of another kind of optimizer.");
  }
}

// Whether LibTorch's moments are of those numbers: real or complex.
bool has_kind_of_numbers(
    const at::Tensor& parameter, const at::Tensor& tensor) {
  return tensor.is_complex() == parameter.is_complex() &&
      (tensor.is_complex() || tensor.is_floating_point());
}

// Laid out as an optimizer would make it, which the fused kernels need.
at::Tensor moment_field(
    const GenericDict& state,
    const std::string& key,
    const at::Tensor& parameter) {
  const c10::IValue value = state.at(key);
  TORCH_CHECK_VALUE(
      value.isTensor() && value.toTensor().defined() &&
          value.toTensor().layout() == at::kStrided,
      "expected '",
      key,
      "' as a tensor that is not sparse, but found ",
      value.isTensor() ? "another" : value.tagKind(),
      ".");
  const at::Tensor& tensor = value.toTensor();
  TORCH_CHECK_VALUE(
      tensor.sizes() == parameter.sizes(),
      "expected '",
      key,
      "' of shape ",
      parameter.sizes(),
      ", but found ",
      tensor.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      has_kind_of_numbers(parameter, tensor),
      "expected '",
      key,
      "' of numbers as the parameter's (",
      parameter.scalar_type(),
      "), but found ",
      tensor.scalar_type(),
      ".");
  return at::zeros_like(parameter).copy_(tensor);
}

int64_t step_field(const GenericDict& state) {
  constexpr double kLargest = 9007199254740992.0; // 2^53
  const double step = number_field(state, "step");
  TORCH_CHECK_VALUE(
      step >= 0 && step <= kLargest && std::floor(step) == step,
      "expected 'step' as a whole number of at least 0, but found ",
      step,
      ".");
  return static_cast<int64_t>(step);
}

at::Tensor step_tensor(int64_t step) {
  // float, as Python's, can count no further.
  constexpr int64_t kLargestInFloat = 1 << 24;
  return at::full(
      {},
      static_cast<double>(step),
      at::TensorOptions().dtype(
          step > kLargestInFloat ? at::kDouble : at::kFloat));
}

} // namespace

// ---- SGD

GenericDict SGDForm::options_dict(const Options& options) {
  GenericDict fields = empty_fields();
  fields.insert("lr", options.lr());
  fields.insert("momentum", options.momentum());
  fields.insert("dampening", options.dampening());
  fields.insert("weight_decay", options.weight_decay());
  fields.insert("nesterov", options.nesterov());
  add_options_of_python(fields, /*has_capturable=*/false);
  return fields;
}

GenericDict SGDForm::state_dict(
    const State& state, const Options& /*options*/) {
  GenericDict fields = empty_fields();
  if (state.momentum_buffer().defined()) {
    fields.insert("momentum_buffer", state.momentum_buffer());
  }
  return fields;
}

SGDForm::Options SGDForm::options_of(const GenericDict& group) {
  check_has_options(
      group,
      "SGD",
      {"lr", "momentum", "dampening", "weight_decay", "nesterov"});
  refuse_maximize(group);
  Options options(number_field(group, "lr"));
  options.momentum(number_field(group, "momentum"));
  options.dampening(number_field(group, "dampening"));
  options.weight_decay(number_field(group, "weight_decay"));
  options.nesterov(flag_field(group, "nesterov"));
  check_with_libtorch<torch::optim::SGD>(options);
  return options;
}

std::unique_ptr<SGDForm::State> SGDForm::state_of(
    const GenericDict& state,
    const at::Tensor& parameter,
    const Options& /*options*/) {
  check_state_keys(state, {}, {"momentum_buffer"});
  // Python has written None, too, for what was stepped without momentum.
  if (state.empty() || state.at("momentum_buffer").isNone()) {
    return nullptr;
  }
  auto made = std::make_unique<State>();
  made->momentum_buffer(moment_field(state, "momentum_buffer", parameter));
  return made;
}

// ---- Adam and AdamW

namespace {

template <typename Options>
constexpr bool kDecaysApart =
    std::is_same_v<Options, torch::optim::AdamWOptions>;

void check_decay_is_apart(
    const GenericDict& group, bool is_apart, double weight_decay) {
  // AdamW had no such field at first.
  const auto found = group.find("decoupled_weight_decay");
  if (found == group.end() || weight_decay == 0) {
    return;
  }
  TORCH_CHECK_VALUE(
      flag_field(group, "decoupled_weight_decay") == is_apart,
      "'decoupled_weight_decay' is ",
      is_apart ? "False: its weight decay is an Adam's, not an AdamW's."
               : "True: its weight decay is an AdamW's, not an Adam's.");
}

} // namespace

template <typename Optimizer, typename OwnOptions, typename OwnState>
GenericDict AdamFormOf<Optimizer, OwnOptions, OwnState>::options_dict(
    const Options& options) {
  GenericDict fields = empty_fields();
  fields.insert("lr", options.lr());
  fields.insert("betas", c10::IValue(options.betas()));
  fields.insert("eps", options.eps());
  fields.insert("weight_decay", options.weight_decay());
  fields.insert("amsgrad", options.amsgrad());
  add_options_of_python(fields, /*has_capturable=*/true);
  fields.insert("decoupled_weight_decay", kDecaysApart<Options>);
  return fields;
}

template <typename Optimizer, typename OwnOptions, typename OwnState>
GenericDict AdamFormOf<Optimizer, OwnOptions, OwnState>::state_dict(
    const State& state, const Options& options) {
  GenericDict fields = empty_fields();
  if (!state.exp_avg().defined() || !state.exp_avg_sq().defined()) {
    return fields;
  }
  fields.insert("step", step_tensor(state.step()));
  fields.insert("exp_avg", state.exp_avg());
  fields.insert("exp_avg_sq", state.exp_avg_sq());
  if (state.max_exp_avg_sq().defined()) {
    fields.insert("max_exp_avg_sq", state.max_exp_avg_sq());
  } else if (options.amsgrad()) {
    // Where it was set later, the fused one begins so at its next step, while
    // Python would miss it.
    fields.insert("max_exp_avg_sq", at::zeros_like(state.exp_avg_sq()));
  }
  return fields;
}

template <typename Optimizer, typename OwnOptions, typename OwnState>
OwnOptions AdamFormOf<Optimizer, OwnOptions, OwnState>::options_of(
    const GenericDict& group) {
  check_has_options(
      group,
      kDecaysApart<Options> ? "AdamW" : "Adam",
      {"lr", "betas", "eps", "weight_decay", "amsgrad"});
  refuse_maximize(group);
  Options options(number_field(group, "lr"));
  options.betas(betas_field(group));
  options.eps(number_field(group, "eps"));
  options.weight_decay(number_field(group, "weight_decay"));
  options.amsgrad(flag_field(group, "amsgrad"));
  check_decay_is_apart(group, kDecaysApart<Options>, options.weight_decay());
  check_with_libtorch<Optimizer>(options);
  return options;
}

template <typename Optimizer, typename OwnOptions, typename OwnState>
std::unique_ptr<OwnState> AdamFormOf<Optimizer, OwnOptions, OwnState>::state_of(
    const GenericDict& state,
    const at::Tensor& parameter,
    const Options& options) {
  if (state.empty()) {
    return nullptr;
  }
  std::vector<std::string> needed{"step", "exp_avg", "exp_avg_sq"};
  if (options.amsgrad()) {
    needed.emplace_back("max_exp_avg_sq");
  }
  check_state_keys(
      state, needed, {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"});
  auto made = std::make_unique<State>();
  made->step(step_field(state));
  made->exp_avg(moment_field(state, "exp_avg", parameter));
  made->exp_avg_sq(moment_field(state, "exp_avg_sq", parameter));
  if (state.contains("max_exp_avg_sq")) {
    made->max_exp_avg_sq(moment_field(state, "max_exp_avg_sq", parameter));
  }
  return made;
}

template struct AdamFormOf<
    torch::optim::Adam,
    torch::optim::AdamOptions,
    torch::optim::AdamParamState>;
template struct AdamFormOf<
    torch::optim::AdamW,
    torch::optim::AdamWOptions,
    torch::optim::AdamWParamState>;

} // namespace polytask::io::detail
