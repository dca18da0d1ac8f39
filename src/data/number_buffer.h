// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace polytask::detail {

/// Numbers whose count nobody knows in advance, in the memory that the tensor
/// of them then keeps. It grows by `realloc`, which moves the pages of large
/// blocks instead of copying them, and pages that nothing was written to take
/// no memory: a table is read in little more than its own size.
///
/// For `double` and `int32_t`.
template <typename Number>
class NumberBuffer {
 public:
  void push_back(Number number) {
    if (size_ == capacity_) {
      grow();
    }
    numbers_.get()[size_++] = number;
  }
  size_t size() const {
    return size_;
  }
  Number* begin() {
    return numbers_.get();
  }
  Number* end() {
    return numbers_.get() + size_;
  }

  /// The numbers as a tensor of this shape, which they fill; takes the memory
  /// over.
  at::Tensor release(at::IntArrayRef shape) &&;

 private:
  struct Free {
    void operator()(Number* numbers) const {
      std::free(numbers);
    }
  };

  void grow();
  void reallocate(size_t capacity);

  std::unique_ptr<Number, Free> numbers_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

} // namespace polytask::detail
