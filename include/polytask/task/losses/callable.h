// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <polytask/task/loss_function.h>

namespace polytask {

/// A loss given as a function (output, target) -> scalar that knows nothing of
/// missing labels: it sees the rows whose labels are all present.
class POLYTASK_API CallableLoss : public LossFunction {
 public:
  using Function =
      std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

  /// Throws where `function` is empty.
  explicit CallableLoss(Function function);

  void pretty_print(std::ostream& stream) const override;

 protected:
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  Function function_;
};

} // namespace polytask
