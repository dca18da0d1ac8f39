// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// The target of one task, which of its labels are missing, and how much each
/// row counts.
///
/// A label is missing where a floating-point target is NaN, where an integer
/// target equals the ignore index, and in rows of weight 0. The target is
/// looked through once, for all copies, when somebody first asks, or here if it
/// is on an accelerator: changing the tensor in place afterwards is not
/// noticed. Threads may ask the same labels.
class POLYTASK_API Labels {
 public:
  /// LibTorch's own ignore index.
  static constexpr int64_t kIgnoreIndex = -100;

  /// `target` [B, ...]. On an accelerator it is looked through here, which
  /// waits for the device once; `inspect` waits once for many.
  explicit Labels(at::Tensor target, int64_t ignore_index = kIgnoreIndex);

  /// Many targets, with at most one wait for each device.
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
  /// Nothing is looked through where it is known of the whole that no label is
  /// missing.
  Labels select(const at::Tensor& rows) const;

  /// Whether `join` takes both: targets and weights of one kind and device, of
  /// the same shape but for the rows, and the same ignore index.
  bool is_joinable(const Labels& other) const;
  /// The labels of all rows, one after the other; at least one. Throws where
  /// two are not joinable.
  static Labels join(const std::vector<Labels>& parts);

  /// The same labels on another device. They are looked through before they are
  /// moved, and not again.
  Labels to(const at::Device& device) const;
  /// The same labels in another floating-point precision; nothing is looked
  /// through again. Integer targets stay as they are.
  Labels to(at::ScalarType type) const;

  /// The same labels in another tensor of this shape and dtype, to which the
  /// caller copies them; nothing is looked through there.
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
    return target_.numel() - missing();
  }
  int64_t missing() const {
    const int64_t found = missing_->load(std::memory_order_relaxed);
    return found >= 0 ? found : count();
  }
  int64_t ignore_index() const {
    return ignore_index_;
  }
  bool is_complete() const {
    return missing() == 0;
  }
  /// Looks no further than to the first label, and counts nothing.
  bool is_empty() const {
    const int64_t found = missing_->load(std::memory_order_relaxed);
    return found == kUnknown ? !find_one() : found == target_.numel();
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
  friend class Batch;

  /// How many labels are missing, for all copies; below 0 until that is known.
  using Missing = std::shared_ptr<std::atomic<int64_t>>;
  /// Those of many targets, in one piece of memory.
  using ManyMissing = std::shared_ptr<std::atomic<int64_t>[]>;
  static constexpr int64_t kUnknown = -1;
  /// At least one is there.
  static constexpr int64_t kSome = -2;

  Labels(at::Tensor target, Missing missing, int64_t ignore_index);
  static Missing known(int64_t missing);
  static ManyMissing unknown(size_t count);
  static Labels one_of(
      const ManyMissing& all, size_t place, const at::Tensor& target);
  /// Looks through those on accelerators, each of which is waited for once.
  static void count_on_devices(
      const ManyMissing& all, const std::vector<const at::Tensor*>& targets);

  /// In the shape of the target, or what broadcasts to it.
  at::Tensor over_labels(const at::Tensor& rows) const;
  /// Two threads at once find the same.
  int64_t count() const;
  bool find_one() const;
  void forget_count();

  at::Tensor target_;
  at::Tensor weights_;
  Missing missing_;
  int64_t ignore_index_;
  bool promised_ = false;
  /// Some row has the weight 0.
  bool leaves_out_ = false;
};

} // namespace polytask
