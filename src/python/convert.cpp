// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "convert.h"

#include <ATen/core/List.h>
#include <c10/util/Exception.h>

#include <optional>
#include <utility>
#include <vector>

namespace polytask::python {

namespace {

std::optional<double> number_in(const c10::IValue& value) {
  if (value.isDouble() || value.isInt()) {
    return value.toScalar().toDouble();
  }
  if (value.isBool()) {
    return value.toBool() ? 1 : 0;
  }
  if (value.isTensor() && value.toTensor().dim() == 0) {
    return value.toTensor().item<double>();
  }
  return std::nullopt;
}

std::optional<std::vector<c10::IValue>> elements_in(const c10::IValue& value) {
  if (value.isList()) {
    return value.toListRef().vec();
  }
  if (value.isTuple()) {
    return value.toTupleRef().elements().vec();
  }
  if (value.isTensor()) {
    std::vector<c10::IValue> elements;
    for (const auto& row : value.toTensor().unbind()) {
      elements.emplace_back(row);
    }
    return elements;
  }
  return std::nullopt;
}

std::optional<std::vector<double>> numbers_in(const c10::IValue& value) {
  const auto elements = elements_in(value);
  if (!elements) {
    return std::nullopt;
  }
  std::vector<double> numbers;
  for (const auto& element : *elements) {
    const auto number = number_in(element);
    if (!number) {
      return std::nullopt;
    }
    numbers.push_back(*number);
  }
  return numbers;
}

} // namespace

Options no_options() {
  return c10::impl::toTypedDict<std::string, c10::IValue>(
      c10::impl::GenericDict(c10::StringType::get(), c10::AnyType::get()));
}

balancing::OptionValues option_values(
    const std::string& method, const Options& options) {
  balancing::OptionValues values;
  for (const auto& entry : options) {
    const c10::IValue& value = entry.value();
    if (value.isNone()) {
      continue;
    }
    if (value.isString()) {
      values.emplace(entry.key(), value.toStringRef());
    } else if (const auto number = number_in(value)) {
      values.emplace(entry.key(), *number);
    } else if (auto numbers = numbers_in(value)) {
      values.emplace(entry.key(), *std::move(numbers));
    } else {
      TORCH_CHECK_VALUE(
          false,
          method,
          ": expected the option '",
          entry.key(),
          "' to be a number, a list of numbers or a word, but got ",
          value.tagKind(),
          ".");
    }
  }
  return values;
}

Options to_options(const balancing::OptionValues& values) {
  Options options = no_options();
  for (const auto& [name, value] : values) {
    if (value.word()) {
      options.insert(name, *value.word());
    } else if (value.number()) {
      options.insert(name, *value.number());
    } else if (value.numbers()->empty()) {
      // PyTorch asks a list among values of any type for its elements' type.
      options.insert(name, c10::ivalue::Tuple::create());
    } else {
      options.insert(name, c10::List<double>(*value.numbers()));
    }
  }
  return options;
}

std::map<std::string, at::Tensor> to_map(const Tensors& tensors) {
  std::map<std::string, at::Tensor> map;
  for (const auto& entry : tensors) {
    map.emplace(entry.key(), entry.value());
  }
  return map;
}

Tensors to_dict(const std::map<std::string, at::Tensor>& tensors) {
  Tensors dict;
  for (const auto& [name, tensor] : tensors) {
    dict.insert(name, tensor);
  }
  return dict;
}

} // namespace polytask::python
