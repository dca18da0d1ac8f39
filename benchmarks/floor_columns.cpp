// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "floor_columns.h"

#include <algorithm>
#include <cstring>

namespace polytask::benchmarks {

namespace {

// A few floats that the processor treats at once (GCC and Clang).
using Lanes = float __attribute__((vector_size(32)));
constexpr int64_t kLanes = 8;
constexpr int64_t kGroup = 64;

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

// For few features: one pass over the rows, all sums in registers. The bias is
// the weight of a column of ones; rows are padded with zeros.
template <int kFeatures>
class NarrowFloor : public Contender {
 public:
  NarrowFloor(const Problem& problem, double learning_rate, bool alternating)
      : tasks_(problem.tasks()),
        rows_(round_up(problem.input.size(0), kLanes)),
        rate_(static_cast<float>(
            2 * learning_rate / static_cast<double>(problem.input.size(0)))),
        x_(torch::zeros({kWidth, rows_})),
        y_(torch::zeros({tasks_, rows_})),
        w_(problem.start.clone()),
        g_(static_cast<size_t>(tasks_ * kWidth)),
        alternating_(alternating),
        draws_(problem.draws) {
    const int64_t rows = problem.input.size(0);
    x_.narrow(0, 0, kFeatures).narrow(1, 0, rows).copy_(problem.input.t());
    x_[kFeatures].narrow(0, 0, rows).fill_(1);
    y_.narrow(1, 0, rows).copy_(problem.targets.t());
  }

  torch::Tensor parameters() const override {
    return w_.clone();
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
  static constexpr int kWidth = kFeatures + 1;

  // A step of `count` tasks from `first` on; they share what a block of rows
  // brings into the cache.
  void step(int64_t first, int64_t count) {
    constexpr int64_t kBlock = 2048;
    std::fill_n(g_.data(), count * kWidth, 0.0f);
    for (int64_t row = 0; row < rows_; row += kBlock) {
      for (int64_t t = 0; t < count; ++t) {
        add_gradient(
            first + t,
            row,
            std::min(row + kBlock, rows_),
            g_.data() + t * kWidth);
      }
    }
    float* w = w_.mutable_data_ptr<float>() + first * kWidth;
    for (int64_t j = 0; j < count * kWidth; ++j) {
      w[j] -= rate_ * g_[static_cast<size_t>(j)];
    }
  }

  void add_gradient(int64_t t, int64_t from, int64_t to, float* g) const {
    const float* x = x_.const_data_ptr<float>();
    const float* y = y_.const_data_ptr<float>() + t * rows_;
    const float* w = w_.const_data_ptr<float>() + t * kWidth;
    Lanes sums[kWidth] = {};
    for (int64_t i = from; i < to; i += kLanes) {
      Lanes columns[kWidth];
      Lanes error = -load(y + i);
      for (int j = 0; j < kWidth; ++j) {
        columns[j] = load(x + j * rows_ + i);
        error += w[j] * columns[j];
      }
      for (int j = 0; j < kWidth; ++j) {
        sums[j] += error * columns[j];
      }
    }
    for (int j = 0; j < kWidth; ++j) {
      g[j] += sum(sums[j]);
    }
  }

  int64_t tasks_;
  int64_t rows_;
  float rate_;
  torch::Tensor x_;      // [d + 1, B]
  torch::Tensor y_;      // [T, B]
  torch::Tensor w_;      // [T (d + 1)]
  std::vector<float> g_; // [T, d + 1]
  bool alternating_;
  std::vector<int64_t> draws_;
  size_t drawn_ = 0;
};

// Own loops, for what fits into the caches. The input lies in groups of 64
// rows, each column by column; the bias is the weight of a column of ones; all
// is padded with zeros.
class ColumnFloor : public Contender {
 public:
  ColumnFloor(const Problem& problem, double learning_rate)
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
        g_(torch::zeros({tasks_, padded_width_})) {
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
      step();
    }
  }

 private:
  void step() {
    float* w = w_.mutable_data_ptr<float>();
    float* g = g_.mutable_data_ptr<float>();
    std::fill_n(g, tasks_ * padded_width_, 0.0f);
    for (int64_t row = 0; row < rows_; row += block_) {
      const int64_t rows = std::min(block_, rows_ - row);
      int64_t t = 0;
      for (; t + 4 <= tasks_; t += 4) {
        add_gradient<4>(t, row, rows);
      }
      for (; t + 2 <= tasks_; t += 2) {
        add_gradient<2>(t, row, rows);
      }
      if (t < tasks_) {
        add_gradient<1>(t, row, rows);
      }
    }
    for (int64_t j = 0; j < tasks_ * padded_width_; ++j) {
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
};

} // namespace

std::unique_ptr<Contender> narrow_floor(
    const Problem& problem, double learning_rate, bool alternating) {
  switch (problem.input.size(1)) {
    case 2:
      return std::make_unique<NarrowFloor<2>>(
          problem, learning_rate, alternating);
    case 4:
      return std::make_unique<NarrowFloor<4>>(
          problem, learning_rate, alternating);
    case 8:
      return std::make_unique<NarrowFloor<8>>(
          problem, learning_rate, alternating);
    default:
      return nullptr;
  }
}

std::unique_ptr<Contender> column_floor(
    const Problem& problem, double learning_rate) {
  return std::make_unique<ColumnFloor>(problem, learning_rate);
}

} // namespace polytask::benchmarks
