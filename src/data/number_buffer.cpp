// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "number_buffer.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <new>

namespace polytask::detail {

void NumberBuffer::reallocate(size_t capacity) {
  void* const moved = std::realloc(numbers_.get(), capacity * sizeof(double));
  if (!moved) {
    throw std::bad_alloc();
  }
  static_cast<void>(numbers_.release()); // freed or moved by realloc
  numbers_.reset(static_cast<double*>(moved));
  capacity_ = capacity;
}

void NumberBuffer::grow() {
  constexpr size_t kFirst = 1024;
  reallocate(std::max(2 * capacity_, kFirst));
}

at::Tensor NumberBuffer::release(int64_t columns) && {
  const auto rows = static_cast<int64_t>(size_) / columns;
  if (rows == 0) {
    return at::empty({0, columns}, at::kDouble);
  }
  reallocate(size_);
  double* const numbers = numbers_.release();
  size_ = capacity_ = 0;
  return at::from_blob(
      numbers,
      {rows, columns},
      [](void* memory) { std::free(memory); },
      at::kDouble);
}

} // namespace polytask::detail
