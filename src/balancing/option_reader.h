// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <polytask/balancing/option_value.h>

namespace polytask::balancing::detail {

/// Reads the options of one method by name; what nobody asked for is an error.
class OptionReader {
 public:
  OptionReader(std::string method, const OptionValues& values)
      : method_(std::move(method)), values_(values) {}

  double number(const std::string& name, double otherwise);
  double required_number(const std::string& name);
  int64_t integer(const std::string& name, int64_t otherwise);
  int64_t required_integer(const std::string& name);
  /// 0 or 1.
  bool flag(const std::string& name, bool otherwise);
  std::string word(const std::string& name, const std::string& otherwise);
  /// Nothing where it is not given.
  std::optional<std::vector<double>> numbers(const std::string& name);
  std::vector<double> required_numbers(const std::string& name);
  std::string required_word(const std::string& name);
  /// Whole numbers; empty where they are not given.
  std::vector<int64_t> integers(const std::string& name);
  /// One number for all tasks, or one for each.
  std::vector<double> number_or_numbers(
      const std::string& name, double otherwise);

  /// What nobody has read yet, for a method inside of this one, which then
  /// answers for it.
  OptionValues take_rest();
  /// Throws, and lists the method's options, if one was given that nobody read.
  void check_all_read() const;

 private:
  const OptionValue* find(const std::string& name);
  [[noreturn]] void refuse(
      const std::string& name, const std::string& expected) const;
  int64_t whole(const std::string& name, double number) const;

  std::string method_;
  const OptionValues& values_;
  std::vector<std::string> known_;
};

} // namespace polytask::balancing::detail
