// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/kept_weights.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "core/host_value.h"

#include "host.h"

namespace polytask::balancing {

namespace {

constexpr const char* kKeptWeights = "weights";
constexpr const char* kKeptAge = "age";
constexpr const char* kKeptPresent = "present";

} // namespace

template <typename Base>
void KeptWeights<Base>::keep_weights() {
  this->buffer(kKeptWeights);
  this->buffer(kKeptAge);
  this->buffer(kKeptPresent);
}

// Not as a vector [T], of which steps of some tasks would see a part.
template <typename Base>
void KeptWeights<Base>::start_weights() {
  this->buffer(kKeptWeights) = at::empty({1, 0}, at::kDouble);
  this->buffer(kKeptAge) = at::scalar_tensor(0, at::kLong);
  this->buffer(kKeptPresent) = at::empty({1, 0}, at::kLong);
}

template <typename Base>
bool KeptWeights<Base>::has_weights(int64_t steps) const {
  const at::Tensor& weights = this->buffer(kKeptWeights);
  if (!weights.defined() || weights.numel() == 0 ||
      this->buffer(kKeptAge).template item<int64_t>() >= steps) {
    return false;
  }
  const at::Tensor here = this->buffer(kKeptPresent).to(at::kCPU).contiguous();
  const auto* of = here.template const_data_ptr<int64_t>();
  const auto& tasks = this->present();
  return std::equal(tasks.begin(), tasks.end(), of, of + here.numel());
}

template <typename Base>
void KeptWeights<Base>::set_weights(const math::Vector& weights) {
  this->buffer(kKeptWeights) =
      polytask::detail::host_vector(weights, at::kDouble).unsqueeze(0);
  this->buffer(kKeptAge) = at::scalar_tensor(1, at::kLong);
  this->buffer(kKeptPresent) =
      at::tensor(this->present(), at::kLong).unsqueeze(0);
}

template <typename Base>
math::Vector KeptWeights<Base>::take_weights() {
  const at::Tensor& weights = this->buffer(kKeptWeights);
  if (!weights.defined() || weights.numel() == 0) {
    return {};
  }
  at::Tensor& age = this->buffer(kKeptAge);
  age = at::scalar_tensor(age.template item<int64_t>() + 1, at::kLong);
  return detail::host_values(weights.flatten(), this->name());
}

template class KeptWeights<GramianBalancing>;
template class KeptWeights<GramianWrapper>;

} // namespace polytask::balancing
