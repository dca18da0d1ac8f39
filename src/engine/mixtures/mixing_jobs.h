// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "../kernels/mixing.h"
#include "../kernels/over_rows.h"

namespace polytask::detail {

/// Mixtures and inner products over the same rows, some rows at a time, so that
/// what several of them read is read from memory once.
template <typename Scalar>
class MixingJobs {
 public:
  /// The terms that follow belong to it.
  void mix(int64_t width, const Scalar* mask, Scalar* out) {
    mixes_.push_back({width, mask, out, terms_.size(), 0});
  }
  void term(const MixTerm<Scalar>& term) {
    terms_.push_back(term);
    ++mixes_.back().count;
  }
  /// The matrices that follow belong to it.
  void dot(int64_t width, const Scalar* vectors, Scalar* out) {
    dots_.push_back({width, vectors, out, matrices_.size(), 0});
  }
  void matrix(const Scalar* matrix) {
    matrices_.push_back(matrix);
    ++dots_.back().count;
  }

  void clear() {
    mixes_.clear();
    terms_.clear();
    dots_.clear();
    matrices_.clear();
  }
  void run(int64_t rows) const {
    int64_t width = 0;
    for (const Mix& own : mixes_) {
      width += own.width * own.count;
    }
    for (const Dot& own : dots_) {
      width += own.width * own.count;
    }
    over_rows(rows, std::max<int64_t>(1, width), [&](int64_t from, int64_t to) {
      for (int64_t begin = from; begin < to; begin += kRows) {
        run_on(begin, std::min(begin + kRows, to));
      }
    });
  }

 private:
  static constexpr int64_t kRows = 16;

  struct Mix {
    int64_t width;
    const Scalar* mask;
    Scalar* out;
    size_t first;
    int64_t count;
  };
  struct Dot {
    int64_t width;
    const Scalar* vectors;
    Scalar* out;
    size_t first;
    int64_t count;
  };

  void run_on(int64_t begin, int64_t end) const {
    for (const Mix& own : mixes_) {
      mix_rows(
          terms_.data() + own.first,
          own.count,
          begin,
          end,
          own.width,
          own.mask,
          own.out);
    }
    for (const Dot& own : dots_) {
      dot_each(
          own.vectors,
          matrices_.data() + own.first,
          own.count,
          begin,
          end,
          own.width,
          own.out);
    }
  }

  std::vector<Mix> mixes_;
  std::vector<MixTerm<Scalar>> terms_;
  std::vector<Dot> dots_;
  std::vector<const Scalar*> matrices_;
};

/// Jobs of either dtype, whose memory is kept from step to step.
class MixingMemory {
 public:
  /// None yet.
  template <typename Scalar>
  MixingJobs<Scalar>& jobs() {
    auto& own = std::get<MixingJobs<Scalar>>(jobs_);
    own.clear();
    return own;
  }

 private:
  std::tuple<MixingJobs<float>, MixingJobs<double>> jobs_;
};

} // namespace polytask::detail
