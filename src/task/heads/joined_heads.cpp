// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/heads/joined_heads.h>

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <string>

#include "task/heads/cloned_networks.h"

namespace polytask {

JoinedHeadsImpl::JoinedHeadsImpl(std::vector<Network> heads)
    : Module("polytask::JoinedHeads"), heads_(std::move(heads)) {
  TORCH_CHECK_VALUE(
      !heads_.empty(), "JoinedHeads: expected at least one head.");
  for (size_t i = 0; i < heads_.size(); ++i) {
    register_module(std::to_string(i), heads_[i].module());
  }
}

torch::Tensor JoinedHeadsImpl::forward(const Inputs& features) {
  std::vector<torch::Tensor> outputs;
  outputs.reserve(heads_.size());
  for (const Network& head : heads_) {
    outputs.push_back(head.forward(features));
    TORCH_CHECK_VALUE(
        outputs.back().dim() == 2,
        "JoinedHeads: expected outputs of shape [B, K], but head ",
        outputs.size() - 1,
        " gives ",
        outputs.back().sizes(),
        ".");
  }
  return at::cat(outputs, 1);
}

std::shared_ptr<torch::nn::Module> JoinedHeadsImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy =
      std::make_shared<JoinedHeadsImpl>(detail::clone_all(heads_, device));
  copy->train(is_training());
  return copy;
}

void JoinedHeadsImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::JoinedHeads(heads=" << heads_.size() << ")";
}

} // namespace polytask
