// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/no_sharing.h>

#include "sharing/task_places.h"

namespace polytask {

NoSharingImpl::NoSharingImpl() : Sharing("polytask::NoSharing") {}

std::vector<torch::Tensor> NoSharingImpl::features(
    const torch::Tensor& input, int64_t tasks) {
  detail::check_any_number(*this, tasks);
  return std::vector<torch::Tensor>(static_cast<size_t>(tasks), input);
}

torch::Tensor NoSharingImpl::features_of(
    const torch::Tensor& input, int64_t task) {
  detail::check_any_place(*this, task);
  return input;
}

std::vector<Inputs> NoSharingImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_any_number(*this, tasks);
  return std::vector<Inputs>(static_cast<size_t>(tasks), inputs);
}

Inputs NoSharingImpl::features_for(const Inputs& inputs, int64_t task) {
  detail::check_any_place(*this, task);
  return inputs;
}

std::shared_ptr<torch::nn::Module> NoSharingImpl::clone(
    const std::optional<torch::Device>& /*device*/) const {
  auto copy = std::make_shared<NoSharingImpl>();
  copy->train(is_training());
  return copy;
}

void NoSharingImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::NoSharing()";
}

} // namespace polytask
