// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace polytask::testing {

/// The `main` of a program that Python calls: what `call` makes of the words,
/// or 1 after an error, which goes to stderr.
template <typename Call>
int run_program(int count, char** words, const Call& call) {
  try {
    return call(std::vector<std::string>(words + 1, words + count));
  } catch (const c10::Error& error) {
    std::cerr << error.what_without_backtrace() << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
  return 1;
}

} // namespace polytask::testing
