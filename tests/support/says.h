// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace polytask::testing {

/// Whether a message holds each of the texts; if not, shows the message.
inline ::testing::AssertionResult says(
    const std::string& message, std::initializer_list<std::string> texts) {
  for (const auto& text : texts) {
    if (message.find(text) == std::string::npos) {
      return ::testing::AssertionFailure()
          << "\"" << text << "\" is not in \"" << message << "\"";
    }
  }
  return ::testing::AssertionSuccess();
}

} // namespace polytask::testing
