// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "option_reader.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace polytask::balancing::detail {

const OptionValue* OptionReader::find(const std::string& name) {
  known_.push_back(name);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

void OptionReader::refuse(
    const std::string& name, const std::string& expected) const {
  TORCH_CHECK_VALUE(
      false, method_, ": the option '", name, "' must be ", expected, ".");
}

double OptionReader::number(const std::string& name, double otherwise) {
  const OptionValue* value = find(name);
  if (value && !value->number()) {
    refuse(name, "a number");
  }
  return value ? *value->number() : otherwise;
}

double OptionReader::required_number(const std::string& name) {
  const double value = number(name, std::nan(""));
  TORCH_CHECK_VALUE(
      values_.contains(name), method_, ": needs the option '", name, "'.");
  return value;
}

int64_t OptionReader::whole(const std::string& name, double number) const {
  if (number != std::floor(number) || std::abs(number) > 1e15) {
    refuse(name, "a whole number");
  }
  return static_cast<int64_t>(number);
}

int64_t OptionReader::integer(const std::string& name, int64_t otherwise) {
  return whole(name, number(name, static_cast<double>(otherwise)));
}

int64_t OptionReader::required_integer(const std::string& name) {
  return whole(name, required_number(name));
}

bool OptionReader::flag(const std::string& name, bool otherwise) {
  const double value = number(name, otherwise ? 1 : 0);
  if (value != 0 && value != 1) {
    refuse(name, "0 or 1");
  }
  return value == 1;
}

std::string OptionReader::word(
    const std::string& name, const std::string& otherwise) {
  const OptionValue* value = find(name);
  if (value && !value->word()) {
    refuse(name, "a word");
  }
  return value ? *value->word() : otherwise;
}

std::optional<std::vector<double>> OptionReader::numbers(
    const std::string& name) {
  const OptionValue* value = find(name);
  if (!value) {
    return std::nullopt;
  }
  if (!value->numbers()) {
    refuse(name, "a list of numbers");
  }
  return *value->numbers();
}

std::vector<double> OptionReader::required_numbers(const std::string& name) {
  auto value = numbers(name);
  TORCH_CHECK_VALUE(
      value.has_value(), method_, ": needs the option '", name, "'.");
  return *std::move(value);
}

std::vector<double> OptionReader::number_or_numbers(
    const std::string& name, double otherwise) {
  const OptionValue* value = find(name);
  if (value && value->word()) {
    refuse(name, "a number or a list of numbers");
  }
  if (value && value->numbers()) {
    return *value->numbers();
  }
  return {value ? *value->number() : otherwise};
}

std::string OptionReader::required_word(const std::string& name) {
  auto value = word(name, "");
  TORCH_CHECK_VALUE(
      values_.contains(name), method_, ": needs the option '", name, "'.");
  return value;
}

std::vector<int64_t> OptionReader::integers(const std::string& name) {
  std::vector<int64_t> found;
  for (const double value : numbers(name).value_or(std::vector<double>{})) {
    found.push_back(whole(name, value));
  }
  return found;
}

OptionValues OptionReader::take_rest() {
  OptionValues rest;
  for (const auto& [name, value] : values_) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      rest.emplace(name, value);
    }
  }
  for (const auto& [name, value] : rest) {
    known_.push_back(name);
  }
  return rest;
}

void OptionReader::check_all_read() const {
  for (const auto& [name, value] : values_) {
    TORCH_CHECK_VALUE(
        std::find(known_.begin(), known_.end(), name) != known_.end(),
        method_,
        ": has no option '",
        name,
        "'; it has ",
        known_.empty() ? "none" : polytask::detail::quoted(known_),
        ".");
  }
}

} // namespace polytask::balancing::detail
