// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <string>
#include <utility>
#include <vector>

namespace polytask::testing {

/// Collects the warnings that begin with `whose`, or all, while it lives.
class Warnings : private c10::WarningHandler {
 public:
  explicit Warnings(std::string whose = "")
      : whose_(std::move(whose)), guard_(this) {}

  std::vector<std::string> texts;

 private:
  void process(const c10::Warning& warning) override {
    if (warning.msg().starts_with(whose_)) {
      texts.push_back(warning.msg());
    }
  }

  std::string whose_;
  c10::WarningUtils::WarningHandlerGuard guard_;
};

} // namespace polytask::testing
