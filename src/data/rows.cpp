// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "rows.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/max.h>
#include <ATen/ops/min.h>
#include <c10/util/Exception.h>

#include <random>
#include <utility>

namespace polytask::detail {

namespace {

// Uniform in 0 to `bound` - 1. What the C++ standard library draws below a
// bound differs between its implementations; the engine's numbers do not.
uint64_t draw_below(std::mt19937_64& engine, uint64_t bound) {
  // 2^64 is seldom a multiple of the bound: the first 2^64 mod bound numbers
  // are drawn again, so that every remainder is equally likely.
  const uint64_t surplus = (0 - bound) % bound;
  uint64_t number = engine();
  while (number < surplus) {
    number = engine();
  }
  return number % bound;
}

} // namespace

void check_row_index(
    const std::string& who, const at::Tensor& index, int64_t rows) {
  TORCH_CHECK_VALUE(index.defined(), who, ": the row index is undefined.");
  TORCH_CHECK_VALUE(
      index.dim() == 1 && index.scalar_type() == at::kLong,
      who,
      ": expected a row index of type Long and shape [n], but got ",
      index.scalar_type(),
      " ",
      index.sizes(),
      ".");
  if (index.numel() == 0) {
    return;
  }
  const auto least = at::min(index).item<int64_t>();
  const auto most = at::max(index).item<int64_t>();
  TORCH_CHECK_INDEX(
      least >= 0 && most < rows,
      who,
      ": expected row numbers from 0 to ",
      rows - 1,
      ", but found ",
      least < 0 ? least : most,
      ".");
}

at::Tensor shuffled_rows(int64_t rows, uint64_t seed, uint64_t stream) {
  // The standard fixes what this sequence and this engine compute.
  std::seed_seq words{
      seed & 0xFFFFFFFF, seed >> 32, stream & 0xFFFFFFFF, stream >> 32};
  std::mt19937_64 engine(words);
  at::Tensor order = at::arange(rows, at::kLong);
  auto* row = order.data_ptr<int64_t>();
  for (int64_t last = rows - 1; last > 0; --last) { // Fisher and Yates
    const auto other = draw_below(engine, static_cast<uint64_t>(last) + 1);
    std::swap(row[last], row[other]);
  }
  return order;
}

} // namespace polytask::detail
