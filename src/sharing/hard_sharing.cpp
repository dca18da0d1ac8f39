// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/hard_sharing.h>

#include <utility>

#include "core/check.h"
#include "sharing/cloning.h"
#include "sharing/task_places.h"

namespace polytask {

HardSharingImpl::HardSharingImpl(Network trunk)
    : Sharing("polytask::HardSharing"), trunk_(std::move(trunk)) {
  register_module("trunk", trunk_.module());
}

std::vector<torch::Tensor> HardSharingImpl::features(
    const torch::Tensor& input, int64_t tasks) {
  detail::check_any_number(*this, tasks);
  return std::vector<torch::Tensor>(
      static_cast<size_t>(tasks), trunk_output(input).tensor());
}

torch::Tensor HardSharingImpl::features_of(
    const torch::Tensor& input, int64_t task) {
  return features_for(input, task).tensor();
}

std::vector<Inputs> HardSharingImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_any_number(*this, tasks);
  return std::vector<Inputs>(static_cast<size_t>(tasks), trunk_output(inputs));
}

Inputs HardSharingImpl::features_for(const Inputs& inputs, int64_t task) {
  detail::check_any_place(*this, task);
  return trunk_output(inputs);
}

Inputs HardSharingImpl::trunk_output(const Inputs& inputs) const {
  try {
    return trunk_.forward(inputs);
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str(
        "HardSharing: the trunk cannot take an input of shape ", inputs, ": "));
  }
}

std::shared_ptr<torch::nn::Module> HardSharingImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<HardSharingImpl>(trunk_.clone(device));
  detail::complete_clone(*this, *copy);
  return copy;
}

void HardSharingImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::HardSharing()";
}

} // namespace polytask
