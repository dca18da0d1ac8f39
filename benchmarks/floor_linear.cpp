// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "floor_linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/sum.h>
#include <torch/utils.h>

#include <algorithm>

#include "floor_columns.h"

namespace polytask::benchmarks {

namespace {

// Weights (T d) from which on BLAS beats the loops here: measured.
constexpr int64_t kBlasFrom = 4096;

// What the two floors for larger sizes keep.
class RowFloor : public Contender {
 public:
  RowFloor(const Problem& problem, double learning_rate)
      : x_(problem.input),
        rate_(2 * learning_rate / static_cast<double>(x_.size(0))) {
    const torch::Tensor heads = problem.start.view({problem.tasks(), -1});
    w_ = heads.narrow(1, 0, x_.size(1)).clone(at::MemoryFormat::Contiguous);
    b_ = heads.select(1, x_.size(1)).clone();
  }

  torch::Tensor parameters() const override {
    return torch::cat({w_, b_.unsqueeze(1)}, 1).view(-1);
  }

 protected:
  torch::Tensor x_; // [B, d]
  torch::Tensor w_; // [T, d]
  torch::Tensor b_; // [T]
  double rate_;
};

class BlasFloor : public RowFloor {
 public:
  BlasFloor(const Problem& problem, double learning_rate)
      : RowFloor(problem, learning_rate),
        y_(problem.targets),
        r_(torch::empty_like(y_)),
        sums_(torch::empty_like(b_)) {}

  void run(int64_t steps) override {
    const torch::NoGradGuard no_grad;
    const torch::Tensor w_transposed = w_.t();
    const torch::Tensor r_transposed = r_.t();
    for (int64_t i = 0; i < steps; ++i) {
      at::addmm_out(r_, b_, x_, w_transposed);
      r_.sub_(y_);
      w_.addmm_(r_transposed, x_, 1, -rate_);
      at::sum_out(sums_, r_, 0);
      b_.sub_(sums_, rate_);
    }
  }

 private:
  torch::Tensor y_;    // [B, T]
  torch::Tensor r_;    // [B, T]
  torch::Tensor sums_; // [T]
};

// One task on long rows: each row is read once, for its error and for its part
// of the gradient.
class OneTaskFloor : public RowFloor {
 public:
  OneTaskFloor(const Problem& problem, double learning_rate)
      : RowFloor(problem, learning_rate),
        y_(problem.targets.t().contiguous()),
        g_(static_cast<size_t>(x_.size(1))),
        draws_(problem.draws) {}

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      step(draws_[drawn_++ % draws_.size()]);
    }
  }

 private:
  void step(int64_t t) {
    const int64_t rows = x_.size(0);
    const int64_t width = x_.size(1);
    const float* y = y_.const_data_ptr<float>() + t * rows;
    float* w = w_.mutable_data_ptr<float>() + t * width;
    float& b = b_.mutable_data_ptr<float>()[t];
    float* g = g_.data();
    std::fill_n(g, width, 0.0f);
    float bias_gradient = 0;
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      const float* x0 = x_.const_data_ptr<float>() + i * width;
      const float* x1 = x0 + width;
      const float* x2 = x1 + width;
      const float* x3 = x2 + width;
      float r0 = b - y[i];
      float r1 = b - y[i + 1];
      float r2 = b - y[i + 2];
      float r3 = b - y[i + 3];
      for (int64_t j = 0; j < width; ++j) {
        r0 += x0[j] * w[j];
        r1 += x1[j] * w[j];
        r2 += x2[j] * w[j];
        r3 += x3[j] * w[j];
      }
      for (int64_t j = 0; j < width; ++j) {
        g[j] += r0 * x0[j] + r1 * x1[j] + r2 * x2[j] + r3 * x3[j];
      }
      bias_gradient += r0 + r1 + r2 + r3;
    }
    for (; i < rows; ++i) {
      const float* x = x_.const_data_ptr<float>() + i * width;
      float r = b - y[i];
      for (int64_t j = 0; j < width; ++j) {
        r += x[j] * w[j];
      }
      for (int64_t j = 0; j < width; ++j) {
        g[j] += r * x[j];
      }
      bias_gradient += r;
    }
    const auto rate = static_cast<float>(rate_);
    for (int64_t j = 0; j < width; ++j) {
      w[j] -= rate * g[j];
    }
    b -= rate * bias_gradient;
  }

  torch::Tensor y_;      // [T, B]
  std::vector<float> g_; // [d]
  std::vector<int64_t> draws_;
  size_t drawn_ = 0;
};

} // namespace

std::unique_ptr<Contender> joint_linear_floor(
    const Problem& problem, double learning_rate) {
  if (auto narrow = narrow_floor(problem, learning_rate, false)) {
    return narrow;
  }
  if (problem.tasks() * problem.input.size(1) > kBlasFrom) {
    return std::make_unique<BlasFloor>(problem, learning_rate);
  }
  return column_floor(problem, learning_rate);
}

std::unique_ptr<Contender> alternating_linear_floor(
    const Problem& problem, double learning_rate) {
  if (auto narrow = narrow_floor(problem, learning_rate, true)) {
    return narrow;
  }
  return std::make_unique<OneTaskFloor>(problem, learning_rate);
}

} // namespace polytask::benchmarks
