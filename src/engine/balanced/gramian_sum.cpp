// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "gramian_sum.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include <polytask/math/normalized_gramian.h>
#include "core/in_double.h"
#include "core/rounding.h"

#include "../kernels/gemm.h"

namespace polytask::detail {

namespace {

// Columns of a block: few enough for float sums and for a core's cache.
constexpr int64_t kBlock = 1 << 12;

// Squared lengths between which the products of a block neither overflow nor
// lose, below the smallest float, what counts.
constexpr float kSmallestSquare = 1e-24F;
constexpr float kLargestSquare = 1e36F;

// Rows [n, ...] from a column on.
template <typename Scalar>
struct Block {
  const Scalar* rows;
  int64_t stride;
  int64_t columns;

  Block(const torch::Tensor& all, int64_t begin, int64_t count)
      : rows(all.const_data_ptr<Scalar>() + begin),
        stride(all.stride(0)),
        columns(count) {}
  bool is_zero(int64_t index) const {
    const Scalar* row = rows + index * stride;
    return std::all_of(
        row, row + columns, [](Scalar value) { return value == 0; });
  }
};

// Whether the products of A and B could be summed in their type.
template <typename Scalar>
bool is_in_range(
    const std::vector<Scalar>& products,
    int64_t tasks,
    const Block<Scalar>& a,
    const Block<Scalar>& b) {
  if constexpr (std::is_same_v<Scalar, double>) {
    return true;
  }
  for (int64_t i = 0; i < tasks; ++i) {
    // Of A and another B, a block's part of it may be negative.
    const auto square = std::abs(products[static_cast<size_t>(i * tasks + i)]);
    const bool is_fine = square >= kSmallestSquare && square <= kLargestSquare;
    if (!is_fine && !(a.is_zero(i) && b.is_zero(i))) {
      return false;
    }
  }
  return true;
}

} // namespace

template <typename Scalar>
void GramianSum::add_as(const torch::Tensor& a, const torch::Tensor& b) {
  const int64_t columns = a.size(1);
  std::vector<Scalar> part(static_cast<size_t>(tasks_ * tasks_));
  for (int64_t begin = 0; begin < columns; begin += kBlock) {
    const int64_t count = std::min(kBlock, columns - begin);
    const Block<Scalar> left(a, begin, count);
    const Block<Scalar> right(b, begin, count);
    gemm(
        tasks_,
        tasks_,
        count,
        MatrixView<Scalar>{left.rows, left.stride},
        MatrixView<Scalar>{right.rows, right.stride, true},
        part.data(),
        tasks_);
    if (!is_in_range(part, tasks_, left, right)) {
      add_as<double>(
          a.narrow(1, begin, count).to(torch::kDouble),
          b.narrow(1, begin, count).to(torch::kDouble));
      continue;
    }
    double* sum = host_.data();
    for (const Scalar value : part) {
      *sum++ += static_cast<double>(value);
    }
  }
}

void GramianSum::add_on_host(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.scalar_type() == torch::kFloat) {
    add_as<float>(a, b);
  } else {
    add_as<double>(a, b);
  }
}

void GramianSum::add_rows(const torch::Tensor& rows) {
  add_products(rows, rows);
}

void GramianSum::add_products(const torch::Tensor& a, const torch::Tensor& b) {
  torch::NoGradGuard no_grad;
  const bool is_double = a.scalar_type() == torch::kDouble;
  rounding_ = std::max(
      {rounding_,
       rounding_of(a.scalar_type()),
       gramian_rounding(is_double ? torch::kDouble : torch::kFloat, tasks_)});
  if (a.size(1) == 0) {
    return;
  }
  const bool is_real =
      a.scalar_type() == torch::kFloat || a.scalar_type() == torch::kDouble;
  if (a.device().is_cpu() && is_real) {
    const auto plain = [](const torch::Tensor& rows) {
      return rows.stride(1) == 1 || rows.size(1) == 1 ? rows
                                                      : rows.contiguous();
    };
    const torch::Tensor left = plain(a);
    add_on_host(left, a.is_same(b) ? left : plain(b));
    return;
  }
  const auto type =
      a.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  const torch::Tensor left = a.to(type);
  const torch::Tensor right = a.is_same(b) ? left : b.to(type);
  const auto sum_type =
      has_double(left.device()) ? torch::kDouble : torch::kFloat;
  const int64_t blocks = left.size(1) / kBlock;
  if (blocks > 0) {
    const auto cut = [&](const torch::Tensor& rows) {
      return rows.narrow(1, 0, blocks * kBlock)
          .reshape({tasks_, blocks, kBlock})
          .transpose(0, 1);
    };
    add_on_device(
        torch::bmm(cut(left), cut(right).transpose(1, 2)).to(sum_type).sum(0));
  }
  const int64_t rest = left.size(1) - blocks * kBlock;
  if (rest > 0) {
    const auto cut = [&](const torch::Tensor& rows) {
      return rows.narrow(1, blocks * kBlock, rest);
    };
    add_on_device(torch::mm(cut(left), cut(right).t()).to(sum_type));
  }
}

void GramianSum::add_on_device(const torch::Tensor& part) {
  device_ = device_.defined() ? device_.add_(part) : part;
}

math::Matrix GramianSum::value() const {
  math::Matrix sum = host_;
  if (device_.defined()) {
    const torch::Tensor here =
        device_.to(torch::kCPU).to(torch::kDouble).contiguous();
    const auto* values = here.const_data_ptr<double>();
    for (int64_t i = 0; i < tasks_ * tasks_; ++i) {
      sum.data()[i] += values[i];
    }
  }
  // A product need not be symmetric to the last bit.
  math::symmetrize(sum);
  sum.set_rounding(rounding_);
  return sum;
}

} // namespace polytask::detail
