// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <string>

namespace polytask::fit::detail {

/// Keeps the first of several things' errors, so that each is tried.
class FirstError {
 public:
  template <typename Work>
  void note(const Work& work) {
    try {
      work();
    } catch (...) {
      error_ = error_ ? error_ : std::current_exception();
    }
  }
  explicit operator bool() const {
    return error_ != nullptr;
  }
  /// The first line of what it says.
  std::string message() const {
    try {
      rethrow();
    } catch (const c10::Error& error) {
      return first_line(error.what_without_backtrace());
    } catch (const std::exception& error) {
      return first_line(error.what());
    } catch (...) {
      return "not a std::exception";
    }
    return "";
  }
  /// Throws it, where there is one.
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  static std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
  }

  std::exception_ptr error_;
};

} // namespace polytask::fit::detail
