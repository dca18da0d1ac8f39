// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/held.h>
#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

/// Applies a method to each block of the Jacobian's columns by itself, such as
/// each layer's parameters; every block has a clone with its own state. A task
/// whose gradient is 0 throughout a block, as it does not use those parameters,
/// is left out there; with `keep_zeros` it is not, which is LibMTL's way.
///
/// Extras: "parameter_sizes" [groups], the blocks' numbers of columns, needed
/// where they were not given before. The others reach every block; of "uniform"
/// and "jacobian_1" to "jacobian_3", a block gets its own columns.
///
/// State: the first block's under "0/", and so on.
class POLYTASK_API PerGroup : public Described<PerGroup, JacobianBalancing> {
 public:
  /// For a method of losses, a Gramian or a Jacobian. Throws unless the sizes,
  /// if there are any, are positive; `prepare` throws on a method that learns
  /// parameters by the gradient of its value, which no group has.
  explicit PerGroup(
      std::unique_ptr<Balancing> method, std::vector<int64_t> sizes = {});
  static const detail::Description& description();
  PerGroup& keep_zeros(bool keep = true) {
    keeps_zeros_ = keep;
    return *this;
  }
  bool wants_losses() const override;
  bool wants_losses_after() const override;
  void observe_after(const at::Tensor& losses) override;
  bool wants_representation() const override;
  int64_t batches() const override;
  void end_epoch() override;
  bool counts_epochs() const override;
  void expect_blocks(const std::vector<int64_t>& sizes) override;

 protected:
  void start() override;
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;
  std::vector<Balancing*> parts() const override;
  void make_parts(int64_t count) override;
  bool is_random() const override {
    return true;
  }

 private:
  std::vector<int64_t> sizes_of(int64_t columns, const Extras& extras) const;

  std::vector<int64_t> sizes_;
  bool keeps_zeros_ = false;
  /// Whether all tasks of the last step used the block.
  std::vector<bool> is_whole_;
  /// One until the number of blocks is known.
  std::vector<Held> blocks_;
};

} // namespace polytask::balancing
