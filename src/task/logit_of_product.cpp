// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/logit_of_product.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/stack.h>

namespace polytask::detail {

at::Tensor logit_of_product(const std::vector<at::Tensor>& logits) {
  const auto precise = [](const at::Tensor& logit) {
    const auto type = logit.scalar_type();
    return type == at::kHalf || type == at::kBFloat16 ? logit.to(at::kFloat)
                                                      : logit;
  };
  at::Tensor log_odds = -precise(logits.front()); // log E
  for (size_t i = 1; i < logits.size(); ++i) {
    const at::Tensor next = -precise(logits[i]);
    log_odds =
        at::logsumexp(at::stack({log_odds, next, log_odds + next}), /*dim=*/0);
  }
  return -log_odds;
}

} // namespace polytask::detail
