// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// The target of one task, which of its labels are missing, and how much each
/// row counts.
///
/// A label is missing where a floating-point target is NaN, where an integer
/// target equals the ignore index, and in rows of weight 0. The target is
/// looked through once, here, so that no loss has to do it again; changing the
/// tensor in place afterwards is not noticed.
class POLYTASK_API Labels {
 public:
  /// LibTorch's own ignore index.
  static constexpr int64_t kIgnoreIndex = -100;

  /// Looks through `target` [B, ...]. On an accelerator this waits for the
  /// device once; `inspect` waits once for many.
  explicit Labels(at::Tensor target, int64_t ignore_index = kIgnoreIndex);

  /// Looks through many targets with at most one wait for each device.
  static std::vector<Labels> inspect(const std::vector<at::Tensor>& targets);

  /// Takes the caller's word that no label is missing, whatever the ignore
  /// index; looks at nothing.
  static Labels complete(at::Tensor target);

  /// The same target with another ignore index.
  Labels with_ignore_index(int64_t ignore_index) const;

  /// The same target with a weight for each row: every loss becomes
  /// Σ w · l / Σ w over the labels that are present. `weights`: [B] or [B, 1],
  /// floating point of any precision, on the target's device; undefined for
  /// none. Looks through them, which waits for an accelerator once.
  ///
  /// Throws on another shape, dtype or device, and on a weight that is
  /// negative, NaN or infinite.
  Labels with_weights(at::Tensor weights) const;

  /// The labels of these rows: `rows` int64 [n], on the target's device.
  /// Nothing is looked through where no label is missing in the whole.
  Labels select(const at::Tensor& rows) const;

  /// The same labels on another device; nothing is looked through again.
  Labels to(const at::Device& device) const;
  /// The same labels in another floating-point precision; nothing is looked
  /// through again. Integer targets stay as they are.
  Labels to(at::ScalarType type) const;

  /// The same labels in another tensor of this shape and dtype, to which the
  /// caller copies them; nothing is looked through.
  Labels in(at::Tensor target) const;

  /// As given: [B, ...].
  const at::Tensor& target() const {
    return target_;
  }
  /// The weight of each row, [B]; undefined if every row counts the same.
  const at::Tensor& weights() const {
    return weights_;
  }
  bool is_weighted() const {
    return weights_.defined();
  }
  /// The number of labels that are not missing.
  int64_t present() const {
    return target_.numel() - missing_;
  }
  int64_t missing() const {
    return missing_;
  }
  int64_t ignore_index() const {
    return ignore_index_;
  }
  bool is_complete() const {
    return missing_ == 0;
  }
  bool is_empty() const {
    return present() == 0;
  }

  /// True where a label is missing, in the shape of the target.
  at::Tensor missing_mask() const;
  /// The target with 0 in place of each missing label, so that arithmetic on
  /// it stays finite.
  at::Tensor filled() const;
  /// The rows in which every label is present: int64, [rows].
  at::Tensor complete_rows() const;
  /// How much each label counts, in the shape of the target and this dtype:
  /// the weight of its row, or 1 where there are none; 0 where it is missing.
  at::Tensor label_weights(at::ScalarType type) const;

 private:
  Labels(at::Tensor target, int64_t missing, int64_t ignore_index);

  /// In the shape of the target, or what broadcasts to it.
  at::Tensor over_labels(const at::Tensor& rows) const;
  void count();

  at::Tensor target_;
  at::Tensor weights_;
  int64_t missing_;
  int64_t ignore_index_;
  bool promised_ = false;
  /// Some row has the weight 0.
  bool leaves_out_ = false;
};

} // namespace polytask
