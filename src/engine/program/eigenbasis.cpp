// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "eigenbasis.h"

#include <algorithm>
#include <cmath>

#include "../kernels/eigen.h"
#include "../kernels/gemm.h"
#include "../kernels/modes.h"

namespace polytask::detail {

namespace {

// Rows that are turned into double at a time.
constexpr int64_t kBlockRows = 256;
// Below this part of the largest curvature a mode hardly moves, while the
// division by it would magnify rounding.
constexpr double kFlat = 1e-9;

size_t count_of(int64_t a, int64_t b) {
  return static_cast<size_t>(a * b);
}

} // namespace

template <typename Scalar, typename Visit>
void Eigenbasis::for_each_block_of(const Visit& visit) const {
  const int64_t rows = input_.size(0);
  const int64_t width = input_.size(1);
  const auto columns = static_cast<int64_t>(outputs_.size());
  const int64_t block = std::min(kBlockRows, rows);
  std::vector<double> x(count_of(block, size_));
  std::vector<double> y(count_of(columns, block));
  const auto* data = input_.const_data_ptr<Scalar>();
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t count = std::min(block, rows - begin);
    for (int64_t i = 0; i < count; ++i) {
      double* to =
          std::copy_n(data + (begin + i) * width, width, x.data() + i * size_);
      if (has_bias_) {
        *to = 1;
      }
    }
    for (int64_t c = 0; c < columns; ++c) {
      const auto& [target, output] = outputs_[static_cast<size_t>(c)];
      const int64_t stride = target.stride(0);
      const auto* label = target.const_data_ptr<Scalar>() +
          output * target.stride(1) + begin * stride;
      double* to = y.data() + c * count;
      for (int64_t i = 0; i < count; ++i) {
        to[i] = static_cast<double>(label[i * stride]);
      }
    }
    for (int64_t i = 0; has_missing_ && i < count; ++i) {
      if (y[static_cast<size_t>(i)] != y[static_cast<size_t>(i)]) {
        y[static_cast<size_t>(i)] = 0;
        std::fill_n(x.data() + i * size_, size_, 0.0);
      }
    }
    visit(x.data(), y.data(), count);
  }
}

template <typename Visit>
void Eigenbasis::for_each_block(const Visit& visit) const {
  if (input_.scalar_type() == at::kFloat) {
    for_each_block_of<float>(visit);
  } else {
    for_each_block_of<double>(visit);
  }
}

Eigenbasis::Eigenbasis(
    at::Tensor input,
    bool has_bias,
    std::vector<Target> outputs,
    bool has_missing)
    : input_(std::move(input)),
      has_bias_(has_bias),
      outputs_(std::move(outputs)),
      has_missing_(has_missing),
      size_(input_.size(1) + (has_bias ? 1 : 0)),
      modes_(
          (size_ + ModeColumn::kPadding - 1) / ModeColumn::kPadding *
          ModeColumn::kPadding),
      vectors_(count_of(size_, size_)),
      curvature_(static_cast<size_t>(modes_)),
      products_(outputs_.size() * static_cast<size_t>(size_)) {
  for_each_block([&](const double* x, const double* y, int64_t count) {
    const MatrixView<double> rows{x, size_};
    gemm(
        size_,
        size_,
        count,
        {x, size_, true},
        rows,
        vectors_.data(),
        size_,
        /*accumulate=*/true);
    gemm(
        static_cast<int64_t>(outputs_.size()),
        size_,
        count,
        {y, count},
        rows,
        products_.data(),
        size_,
        /*accumulate=*/true);
  });
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (std::all_of(vectors_.begin(), vectors_.end(), is_finite)) {
    eigen(vectors_.data(), size_, curvature_.data());
  } else {
    // LAPACK would refuse it; so no loss is finite.
    std::fill(curvature_.begin(), curvature_.end(), NAN);
  }
}

void Eigenbasis::evaluate(
    const std::vector<double>& parameters,
    std::vector<double>& losses,
    std::vector<double>& gradients) const {
  const auto columns = static_cast<int64_t>(outputs_.size());
  losses.assign(outputs_.size(), 0);
  gradients.assign(parameters.size(), 0);
  std::vector<double> residuals(count_of(columns, kBlockRows));
  for_each_block([&](const double* x, const double* y, int64_t count) {
    gemm(
        columns,
        count,
        size_,
        {parameters.data(), size_},
        {x, size_, true},
        residuals.data(),
        count);
    for (int64_t c = 0; c < columns; ++c) {
      double* r = residuals.data() + c * count;
      double sum = 0;
      for (int64_t i = 0; i < count; ++i) {
        r[i] -= y[c * count + i];
        sum += r[i] * r[i];
      }
      losses[static_cast<size_t>(c)] += sum;
    }
    gemm(
        columns,
        size_,
        count,
        {residuals.data(), count},
        {x, size_},
        gradients.data(),
        size_,
        /*accumulate=*/true);
  });
}

std::vector<double> Eigenbasis::least_squares(
    const std::vector<double>& otherwise) const {
  std::vector<double> solution = to_modes(products_);
  const double flat = kFlat * curvature_[static_cast<size_t>(size_ - 1)];
  for (size_t i = 0; i < solution.size(); ++i) {
    const double curvature = curvature_[i % static_cast<size_t>(modes_)];
    solution[i] = curvature > flat ? solution[i] / curvature : otherwise[i];
  }
  return solution;
}

std::vector<double> Eigenbasis::to_modes(
    const std::vector<double>& parameters) const {
  const auto count = static_cast<int64_t>(parameters.size()) / size_;
  std::vector<double> modes(count_of(count, modes_));
  gemm(
      count,
      size_,
      size_,
      {parameters.data(), size_},
      {vectors_.data(), size_, true},
      modes.data(),
      modes_);
  return modes;
}

std::vector<double> Eigenbasis::to_parameters(
    const std::vector<double>& modes) const {
  const auto count = static_cast<int64_t>(modes.size()) / modes_;
  std::vector<double> parameters(count_of(count, size_));
  gemm(
      count,
      size_,
      size_,
      {modes.data(), modes_},
      {vectors_.data(), size_},
      parameters.data(),
      size_);
  return parameters;
}

} // namespace polytask::detail
