// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <polytask/core/communicator.h>

namespace polytask::detail {

/// The gradients that several processes have of the same parameters, in one
/// piece for each dtype and device, and numbers that go with them.
class FlatGradients {
 public:
  /// Sums both. Where `has_some` is false, none of this process's gradients
  /// count. They must be dense.
  void sum(
      Communicator& group,
      const std::vector<torch::Tensor>& parameters,
      std::vector<double>& numbers,
      bool has_some);
  /// After that: `.grad` of each parameter of which some process had one.
  void publish() const;

 private:
  struct Member {
    torch::Tensor parameter;
    torch::Tensor values; // in its piece
    size_t mark;          // which number says whether it has a gradient
  };

  bool is_of(const std::vector<torch::Tensor>& parameters, size_t count) const;
  void lay_out(const std::vector<torch::Tensor>& parameters, size_t count);
  void write(const std::vector<double>& numbers, bool has_some);

  std::vector<Member> members_;
  size_t count_ = 0;
  std::vector<torch::Tensor> pieces_;
  torch::Tensor numbers_; // a piece, or the end of one
  std::vector<double> sums_;
};

} // namespace polytask::detail
