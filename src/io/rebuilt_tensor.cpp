// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/rebuilt_tensor.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <c10/util/safe_numerics.h>

#include <limits>

namespace polytask::io::detail {

namespace {

// a * b + c, of numbers that are not negative; false where it is too large.
bool add_product(int64_t a, int64_t b, uint64_t& c) {
  uint64_t product = 0;
  return !c10::mul_overflows(
             static_cast<uint64_t>(a), static_cast<uint64_t>(b), &product) &&
      !c10::add_overflows(product, c, &c) &&
      c <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
}

} // namespace

at::Tensor rebuilt_tensor(
    const c10::Storage& storage,
    at::ScalarType type,
    int64_t offset,
    const std::vector<int64_t>& sizes,
    const std::vector<int64_t>& strides) {
  const uint64_t length = storage.nbytes() / at::elementSize(type);
  bool ok = sizes.size() == strides.size() && sizes.size() <= kMostDims &&
      offset >= 0 && static_cast<uint64_t>(offset) <= length;
  bool is_empty = false;
  uint64_t last = ok ? static_cast<uint64_t>(offset) : 0;
  // In bytes, as LibTorch counts them in an int64_t; sizes of 0 count as 1.
  uint64_t bytes = at::elementSize(type);
  for (size_t i = 0; ok && i < sizes.size(); ++i) {
    ok = sizes[i] >= 0 && strides[i] >= 0;
    if (ok && sizes[i] == 0) {
      is_empty = true;
    } else if (ok) {
      uint64_t more = 0;
      ok = add_product(sizes[i], static_cast<int64_t>(bytes), more) &&
          (is_empty || add_product(sizes[i] - 1, strides[i], last));
      bytes = more;
    }
  }
  TORCH_CHECK_VALUE(
      ok && (is_empty || last < length),
      "a tensor of sizes ",
      at::IntArrayRef(sizes),
      ", strides ",
      at::IntArrayRef(strides),
      " and offset ",
      offset,
      " does not fit into its storage of ",
      length,
      " elements.");
  return at::empty({0}, at::TensorOptions().dtype(type).device(at::kCPU))
      .set_(storage, offset, sizes, strides);
}

} // namespace polytask::io::detail
