// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace polytask::fit::detail {

/// As long as it lives, the first SIGINT or SIGTERM is only noted; the second
/// does what it always does. A program's own handler is left alone, and so are
/// both where another of these lives.
class Signals {
 public:
  explicit Signals(bool handle);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  static bool came();
  /// "SIGINT"; empty where none came.
  static std::string name();

 private:
  std::vector<int> handled_;
};

} // namespace polytask::fit::detail
