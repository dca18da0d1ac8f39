// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

/// (Π_k L_k)^(1/T), as exp of the mean of the logarithms: no product over- or
/// underflows. The effective weights are value / (T L_k).
///
/// Throws unless the losses are positive. No state.
///
/// Source: S. Chennupati, G. Sistu, S. Yogamani, S. Rawashdeh, "MultiNet++:
/// multi-stream feature aggregation and geometric loss strategy for multi-task
/// learning", CVPR Workshops 2019, equation 3 (GLS).
class POLYTASK_API GeometricMean
    : public Described<GeometricMean, LossBalancing> {
 public:
  static const detail::Description& description();

 protected:
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;
};

} // namespace polytask::balancing
