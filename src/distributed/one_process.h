// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/communicator.h>

#include <memory>

namespace polytask::distributed::detail {

/// Without others.
class OneProcess : public Communicator {
 public:
  int64_t rank() const override {
    return 0;
  }
  int64_t size() const override {
    return 1;
  }
  void sum(at::Tensor& /*tensor*/) override {}
  at::Tensor sum_own_block(const at::Tensor& blocks) override {
    return blocks.squeeze(0).clone();
  }
  at::Tensor gather(const at::Tensor& tensor) override {
    return tensor.unsqueeze(0).clone();
  }
  void broadcast(at::Tensor& /*tensor*/, int64_t /*from*/) override {}
  void barrier() override {}
  std::shared_ptr<Communicator> split(int64_t /*color*/) override {
    return std::make_shared<OneProcess>();
  }
};

} // namespace polytask::distributed::detail
