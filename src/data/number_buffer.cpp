// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "number_buffer.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <new>

namespace polytask::detail {

template <typename Number>
void NumberBuffer<Number>::reallocate(size_t capacity) {
  void* const moved = std::realloc(numbers_.get(), capacity * sizeof(Number));
  if (!moved) {
    throw std::bad_alloc();
  }
  static_cast<void>(numbers_.release()); // freed or moved by realloc
  numbers_.reset(static_cast<Number*>(moved));
  capacity_ = capacity;
}

template <typename Number>
void NumberBuffer<Number>::grow() {
  constexpr size_t kFirst = 1024;
  reallocate(std::max(2 * capacity_, kFirst));
}

template <typename Number>
at::Tensor NumberBuffer<Number>::release(at::IntArrayRef shape) && {
  constexpr at::ScalarType kType = c10::CppTypeToScalarType<Number>::value;
  if (size_ == 0) {
    return at::empty(shape, kType);
  }
  reallocate(size_);
  Number* const numbers = numbers_.release();
  size_ = capacity_ = 0;
  return at::from_blob(
      numbers, shape, [](void* memory) { std::free(memory); }, kType);
}

template class NumberBuffer<double>;
template class NumberBuffer<int32_t>;

} // namespace polytask::detail
