// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "chain_trunk.h"

#include "../layers/products.h"

namespace polytask::detail {

at::Tensor ChainTrunk::forward(const HeadStep& step) {
  features_ = known_.forward(*step.input);
  return features_;
}

at::Tensor ChainTrunk::cotangent() {
  if (!known_.chain->learns()) {
    return {};
  }
  reserve(cotangent_, features_.sizes(), features_.options());
  return cotangent_;
}

void ChainTrunk::backward() {
  if (known_.chain->learns()) {
    gradients_.compute(cotangent_);
    gradients_.publish();
  }
}

at::Tensor ChainTrunk::with_graph() {
  leaf_ = features_.detach();
  return leaf_.requires_grad_(known_.chain->learns());
}

// A loss may have reached a parameter of the trunk by itself.
void ChainTrunk::finish_graph() {
  const at::Tensor leaf = std::exchange(leaf_, {});
  if (leaf.grad().defined()) {
    gradients_.compute(leaf.grad());
    gradients_.add();
  }
}

} // namespace polytask::detail
