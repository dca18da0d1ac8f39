// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>

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
  /// Throws it, where there is one.
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::exception_ptr error_;
};

} // namespace polytask::fit::detail
