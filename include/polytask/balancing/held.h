// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <utility>

#include <polytask/balancing/balancing.h>

namespace polytask::balancing {

/// A method of any kind by value: copies are clones.
class Held {
 public:
  Held(std::unique_ptr<Balancing> method) : method_(std::move(method)) {}
  Held(const Held& other) : method_(other.method_->clone()) {}
  Held(Held&&) noexcept = default;
  Held& operator=(const Held& other) {
    method_ = other.method_->clone();
    return *this;
  }
  Held& operator=(Held&&) noexcept = default;
  ~Held() = default;

  Balancing& operator*() const {
    return *method_;
  }
  Balancing* operator->() const {
    return method_.get();
  }

 private:
  std::unique_ptr<Balancing> method_;
};

} // namespace polytask::balancing
