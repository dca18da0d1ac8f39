// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/archive_key.h"

#include <fmt/format.h>
#include <torch/csrc/jit/frontend/lexer.h>

#include <algorithm>
#include <stdexcept>

namespace polytask::detail {

namespace {

// In ASCII, whatever the locale.
bool is_letter(char symbol) {
  return (symbol >= 'a' && symbol <= 'z') || (symbol >= 'A' && symbol <= 'Z');
}

bool is_letter_or_digit(char symbol) {
  return is_letter(symbol) || (symbol >= '0' && symbol <= '9');
}

bool is_plain_identifier(const std::string& name) {
  return is_letter(name.front()) &&
      std::all_of(name.begin(), name.end(), [](char symbol) {
           return is_letter_or_digit(symbol) || symbol == '_';
         });
}

} // namespace

bool is_torchscript_word(const std::string& name) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_letter)) {
    return false;
  }
  try {
    torch::jit::stringToKind(name);
    return true;
  } catch (const std::out_of_range&) {
    return false;
  }
}

std::string archive_key(const std::string& name) {
  if (is_plain_identifier(name) && !is_torchscript_word(name)) {
    return name;
  }
  std::string key = "_";
  for (const char symbol : name) {
    key += is_letter_or_digit(symbol)
        ? std::string(1, symbol)
        : fmt::format("_{:02X}", static_cast<unsigned char>(symbol));
  }
  return key;
}

} // namespace polytask::detail
