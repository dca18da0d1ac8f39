// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace polytask {

/// The state of LibTorch's default random generators, those of the CPU and of
/// every CUDA device: what dropout and random initial values are drawn from.
///
/// ```cpp
/// const auto before = polytask::RandomState::capture();
/// training.step(batch);
/// before.restore(); // the next step draws the same numbers again
/// ```
class POLYTASK_API RandomState {
 public:
  /// Holds nothing; to be loaded into.
  RandomState() = default;
  /// The generators as they stand.
  static RandomState capture();

  /// Sets the generators. Throws, and sets none, if this holds nothing or the
  /// state of more CUDA devices than there are, or of something that is no
  /// generator.
  void restore() const;
  /// The same, but passes over CUDA devices that are not here.
  void restore_present() const;

  /// Also by `torch::save` and `torch::load`. Loading throws, and changes
  /// nothing, on an archive that holds no such state; it sets no generator.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  void restore_first(size_t devices) const;

  at::Tensor cpu_;               // bytes
  std::vector<at::Tensor> cuda_; // bytes, of each device
};

POLYTASK_API torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const RandomState& state);
POLYTASK_API torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, RandomState& state);

} // namespace polytask
