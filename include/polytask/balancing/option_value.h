// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::balancing {

/// A number, a list of numbers or a word.
class OptionValue {
 public:
  template <typename Number>
    requires std::integral<Number> || std::floating_point<Number>
  OptionValue(Number number) : value_(static_cast<double>(number)) {}
  OptionValue(std::vector<double> numbers) : value_(std::move(numbers)) {}
  OptionValue(std::string word) : value_(std::move(word)) {}
  OptionValue(const char* word) : value_(std::string(word)) {}

  const double* number() const {
    return std::get_if<double>(&value_);
  }
  const std::vector<double>* numbers() const {
    return std::get_if<std::vector<double>>(&value_);
  }
  const std::string* word() const {
    return std::get_if<std::string>(&value_);
  }

  bool operator==(const OptionValue&) const = default;

 private:
  std::variant<double, std::vector<double>, std::string> value_;
};

/// `0.4`, `[1, 2]` or `word`: a number with as many digits as tell it from all
/// others.
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const OptionValue& value);

using OptionValues = std::map<std::string, OptionValue>;

} // namespace polytask::balancing
