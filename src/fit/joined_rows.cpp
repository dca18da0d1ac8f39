// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/joined_rows.h"

#include <ATen/ops/empty.h>

namespace polytask::fit::detail {

bool JoinedRows::has_room_for(
    const at::Tensor& output, const Labels& labels) const {
  if (output.dim() == 0 || output.numel() == 0 || output.numel() > kElements) {
    return false;
  }
  return is_empty() ||
      (output.dim() == outputs_.dim() &&
       output.sizes().slice(1) == outputs_.sizes().slice(1) &&
       output.scalar_type() == outputs_.scalar_type() &&
       output.device() == outputs_.device() &&
       rows_ + output.size(0) <= outputs_.size(0) &&
       labels_.front().is_joinable(labels));
}

// One piece of memory for all: small ones that stay between a model's large
// ones make the system take memory back and give it again.
void JoinedRows::add(const at::Tensor& output, const Labels& labels) {
  if (is_empty()) {
    std::vector<int64_t> shape = output.sizes().vec();
    shape[0] = kElements / (output.numel() / output.size(0));
    outputs_ = at::empty(shape, output.options());
  }
  outputs_.narrow(0, rows_, output.size(0)).copy_(output);
  labels_.push_back(labels);
  rows_ += output.size(0);
}

std::pair<at::Tensor, Labels> JoinedRows::take() {
  const at::Tensor outputs = outputs_.narrow(0, 0, std::exchange(rows_, 0));
  outputs_.reset(); // a metric may keep it
  const auto labels = std::exchange(labels_, {});
  return {outputs, labels.size() == 1 ? labels.front() : Labels::join(labels)};
}

} // namespace polytask::fit::detail
