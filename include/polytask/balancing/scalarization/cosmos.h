// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API COSMOSOptions {
  /// The preferences r [T]; 1/T for each task if empty.
  TORCH_ARG(std::vector<double>, weights) = {};
  /// λ, in the losses' unit; not negative.
  TORCH_ARG(double, lambda) = 1;
};

/// r · L - λ cos(r, L): the weighted sum, drawn towards the ray of the
/// preference r [T].
///
/// Callers draw r anew in each step, from a Dirichlet distribution, and show it
/// to the model: as "weights" [T] among the extras, in place of the option's.
/// Each length in the cosine is at least 1e-8. No state.
///
/// Source: M. Ruchte, J. Grabocka, "Scalable Pareto front approximation for
/// deep multi-objective learning", ICDM 2021, equation 6.
class POLYTASK_API COSMOS : public Described<COSMOS, LossBalancing> {
 public:
  explicit COSMOS(COSMOSOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  COSMOSOptions options_;
};

} // namespace polytask::balancing
