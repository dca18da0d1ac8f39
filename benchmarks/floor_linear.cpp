// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "floor_linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/sum.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstring>

namespace polytask::benchmarks {

namespace {

// A few floats that the processor treats at once (GCC and Clang).
using Lanes = float __attribute__((vector_size(32)));
constexpr int64_t kLanes = 8;
constexpr int64_t kGroup = 64;

// Weights (T d) from which on BLAS beats the loops here: measured.
constexpr int64_t kBlasFrom = 4096;

Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

float sum(Lanes lanes) {
  float total = 0;
  for (int64_t i = 0; i < kLanes; ++i) {
    total += lanes[i];
  }
  return total;
}

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Own loops, for what fits into the caches. The input lies in groups of 64
// rows, each column by column; the bias is the weight of a column of ones; all
// is padded with zeros.
class ColumnFloor : public Contender {
 public:
  ColumnFloor(const Problem& problem, double learning_rate, bool alternating)
      : tasks_(problem.tasks()),
        width_(problem.input.size(1) + 1),
        padded_width_(round_up(width_, 4)),
        rows_(round_up(problem.input.size(0), kGroup)),
        block_(std::clamp(
            int64_t{1 << 15} / padded_width_ / kGroup * kGroup, kGroup, rows_)),
        rate_(static_cast<float>(
            2 * learning_rate / static_cast<double>(problem.input.size(0)))),
        y_(torch::zeros({tasks_, rows_})),
        r_(torch::zeros({tasks_, block_})),
        w_(torch::zeros({tasks_, padded_width_})),
        g_(torch::zeros({tasks_, padded_width_})),
        alternating_(alternating),
        draws_(problem.draws) {
    const int64_t rows = problem.input.size(0);
    const torch::Tensor x = torch::zeros({padded_width_, rows_});
    x.narrow(0, 0, width_ - 1).narrow(1, 0, rows).copy_(problem.input.t());
    x[width_ - 1].narrow(0, 0, rows).fill_(1);
    x_ = x.view({padded_width_, -1, kGroup}).transpose(0, 1).contiguous();
    y_.narrow(1, 0, rows).copy_(problem.targets.t());
    w_.narrow(1, 0, width_).copy_(problem.start.view({tasks_, width_}));
  }

  torch::Tensor parameters() const override {
    return w_.narrow(1, 0, width_).reshape(-1).clone();
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      if (alternating_) {
        step(draws_[drawn_++ % draws_.size()], 1);
      } else {
        step(0, tasks_);
      }
    }
  }

 private:
  // One step of `count` tasks from the task `first` on.
  void step(int64_t first, int64_t count) {
    float* w = w_.mutable_data_ptr<float>() + first * padded_width_;
    float* g = g_.mutable_data_ptr<float>() + first * padded_width_;
    std::fill_n(g, count * padded_width_, 0.0f);
    for (int64_t row = 0; row < rows_; row += block_) {
      const int64_t rows = std::min(block_, rows_ - row);
      int64_t t = first;
      for (; t + 4 <= first + count; t += 4) {
        add_gradient<4>(t, row, rows);
      }
      for (; t + 2 <= first + count; t += 2) {
        add_gradient<2>(t, row, rows);
      }
      if (t < first + count) {
        add_gradient<1>(t, row, rows);
      }
    }
    for (int64_t j = 0; j < count * padded_width_; ++j) {
      w[j] -= rate_ * g[j];
    }
  }

  // r = w x - y, then g += r xᵀ, of N tasks on some rows.
  template <int N>
  void add_gradient(int64_t t, int64_t row, int64_t rows) {
    for (int64_t from = 0; from < rows; from += kGroup) {
      set_errors<N>(t, row, from);
    }
    // As many sums at once as keep the multipliers busy.
    constexpr int kColumns = N == 4 ? 2 : 4;
    const float* r = r_.const_data_ptr<float>() + t * block_;
    float* g = g_.mutable_data_ptr<float>() + t * padded_width_;
    for (int64_t j = 0; j < width_; j += kColumns) {
      Lanes sums[N][kColumns] = {};
      for (int64_t from = 0; from < rows; from += kGroup) {
        const float* x = group(row + from) + j * kGroup;
        for (int64_t i = 0; i < kGroup; i += kLanes) {
          for (int k = 0; k < kColumns; ++k) {
            const Lanes column = load(x + k * kGroup + i);
            for (int n = 0; n < N; ++n) {
              sums[n][k] += load(r + n * block_ + from + i) * column;
            }
          }
        }
      }
      for (int n = 0; n < N; ++n) {
        for (int k = 0; k < kColumns; ++k) {
          g[n * padded_width_ + j + k] += sum(sums[n][k]);
        }
      }
    }
  }

  // The errors of one group of rows, `from` rows after `row`.
  template <int N>
  void set_errors(int64_t t, int64_t row, int64_t from) {
    constexpr int kRows = 8 / N;
    const float* x = group(row + from);
    const float* y = y_.const_data_ptr<float>() + t * rows_ + row + from;
    const float* w = w_.const_data_ptr<float>() + t * padded_width_;
    float* r = r_.mutable_data_ptr<float>() + t * block_ + from;
    for (int64_t i = 0; i < kGroup; i += kRows * kLanes) {
      Lanes sums[N][kRows];
      for (int n = 0; n < N; ++n) {
        for (int k = 0; k < kRows; ++k) {
          sums[n][k] = -load(y + n * rows_ + i + k * kLanes);
        }
      }
      for (int64_t j = 0; j < width_; ++j) {
        for (int k = 0; k < kRows; ++k) {
          const Lanes column = load(x + j * kGroup + i + k * kLanes);
          for (int n = 0; n < N; ++n) {
            sums[n][k] += w[n * padded_width_ + j] * column;
          }
        }
      }
      for (int n = 0; n < N; ++n) {
        std::memcpy(r + n * block_ + i, sums[n], sizeof(sums[n]));
      }
    }
  }

  // The group of x that begins with this row, [d + 1, 64].
  const float* group(int64_t row) const {
    return x_.const_data_ptr<float>() + row * padded_width_;
  }

  int64_t tasks_;
  int64_t width_; // d + 1
  int64_t padded_width_;
  int64_t rows_;
  int64_t block_;
  float rate_;
  torch::Tensor x_; // [B / 64, d + 1, 64]
  torch::Tensor y_; // [T, B]
  torch::Tensor r_; // [T, block]
  torch::Tensor w_; // [T, d + 1]
  torch::Tensor g_; // [T, d + 1]
  bool alternating_;
  std::vector<int64_t> draws_;
  size_t drawn_ = 0;
};

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
  if (problem.tasks() * problem.input.size(1) > kBlasFrom) {
    return std::make_unique<BlasFloor>(problem, learning_rate);
  }
  return std::make_unique<ColumnFloor>(problem, learning_rate, false);
}

std::unique_ptr<Contender> alternating_linear_floor(
    const Problem& problem, double learning_rate) {
  if (problem.input.size(1) > 16) {
    return std::make_unique<OneTaskFloor>(problem, learning_rate);
  }
  return std::make_unique<ColumnFloor>(problem, learning_rate, true);
}

} // namespace polytask::benchmarks
