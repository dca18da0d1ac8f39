// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <polytask/task/loss_function.h>

namespace polytask {

/// A loss given as a function (output, target) -> scalar that knows nothing of
/// missing labels: it sees the rows whose labels are all present. Where there
/// is no such row, its task takes no part.
///
/// A function (output, target, weights) is given the weights of those rows too:
/// [rows], in the output's dtype, 1 where the batch has none. Rows with weights
/// are refused for a function that does not take them.
class POLYTASK_API CallableLoss : public LossFunction {
 public:
  using Function =
      std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

  using WeightedFunction = std::function<at::Tensor(
      const at::Tensor&, const at::Tensor&, const at::Tensor&)>;

  /// Throws where `function` is empty.
  explicit CallableLoss(Function function);
  explicit CallableLoss(WeightedFunction function);

  bool takes_weights() const override {
    return static_cast<bool>(weighted_);
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;
  double weigh(const Labels& labels) const override;
  bool can_use(const Labels& labels) const override;

 private:
  at::Tensor call(
      const at::Tensor& output,
      const at::Tensor& target,
      const at::Tensor& weights) const;

  Function function_;
  WeightedFunction weighted_;
};

} // namespace polytask
