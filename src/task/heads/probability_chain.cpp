// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/heads/probability_chain.h>

#include <c10/util/Exception.h>

#include <string>

#include "task/heads/cloned_networks.h"
#include "task/logit_of_product.h"

namespace polytask {

ProbabilityChainImpl::ProbabilityChainImpl(std::vector<Network> steps)
    : Module("polytask::ProbabilityChain"), steps_(std::move(steps)) {
  TORCH_CHECK_VALUE(
      !steps_.empty(), "ProbabilityChain: expected at least one step.");
  for (size_t i = 0; i < steps_.size(); ++i) {
    register_module(std::to_string(i), steps_[i].module());
  }
}

torch::Tensor ProbabilityChainImpl::forward(const Inputs& features) {
  std::vector<torch::Tensor> logits;
  logits.reserve(steps_.size());
  for (const Network& step : steps_) {
    logits.push_back(step.forward(features));
    TORCH_CHECK_VALUE(
        logits.back().sizes() == logits.front().sizes(),
        "ProbabilityChain: expected logits of shape ",
        logits.front().sizes(),
        " from each step, as from the first, but step ",
        logits.size() - 1,
        " gives ",
        logits.back().sizes(),
        ".");
  }
  return detail::logit_of_product(logits);
}

std::shared_ptr<torch::nn::Module> ProbabilityChainImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy =
      std::make_shared<ProbabilityChainImpl>(detail::clone_all(steps_, device));
  copy->train(is_training());
  return copy;
}

void ProbabilityChainImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::ProbabilityChain(steps=" << steps_.size() << ")";
}

} // namespace polytask
