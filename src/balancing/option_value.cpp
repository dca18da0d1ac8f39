// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/option_value.h>

#include <array>
#include <charconv>

namespace polytask::balancing {

namespace {

void print_option_number(double number, std::ostream& stream) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  stream.write(text.data(), end - text.data());
}

} // namespace

std::ostream& operator<<(std::ostream& stream, const OptionValue& value) {
  if (value.word()) {
    return stream << *value.word();
  }
  if (value.number()) {
    print_option_number(*value.number(), stream);
    return stream;
  }
  stream << '[';
  const char* between = "";
  for (const double number : *value.numbers()) {
    stream << between;
    print_option_number(number, stream);
    between = ", ";
  }
  return stream << ']';
}

} // namespace polytask::balancing
