// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "saved_buffers.h"

#include <ATen/core/grad_mode.h>

namespace polytask::detail {

namespace {

bool is_like(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() && a.scalar_type() == b.scalar_type() &&
      a.device() == b.device() && a.sizes() == b.sizes();
}

} // namespace

void SavedBuffers::save(const std::vector<at::Tensor>& buffers) {
  const at::NoGradGuard no_grad;
  saved_.resize(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    auto& [buffer, copy] = saved_[i];
    buffer = buffers[i];
    if (is_like(copy, buffer)) {
      copy.copy_(buffer);
    } else {
      copy = buffer.detach().clone();
    }
  }
}

void SavedBuffers::put_back() {
  const at::NoGradGuard no_grad;
  for (auto& [buffer, copy] : saved_) {
    buffer.copy_(copy);
  }
}

} // namespace polytask::detail
