// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "model/wide_start.h"

#include <c10/util/Exception.h>

#include <polytask/sharing/no_sharing.h>
#include <polytask/task/linear_task.h>

namespace polytask::detail {

namespace {

// Narrower ones start well enough.
constexpr int64_t kWideFeatures = 8;

} // namespace

void warn_of_wide_start(const Sharing& sharing, const Network& head) {
  const auto* linear = dynamic_cast<const LinearTaskImpl*>(head.module().get());
  if (!linear || linear->options.start_was_chosen() ||
      linear->options.in_features() < kWideFeatures ||
      dynamic_cast<const NoSharingImpl*>(&sharing)) {
    return;
  }
  TORCH_WARN_ONCE(
      "MultiTaskModel: a LinearTask of ",
      linear->options.in_features(),
      " features stands behind a trunk and starts with weights in [-1, 1], so "
      "its first loss is about ",
      linear->options.in_features(),
      " times that of torch::nn::Linear. Give it "
      "LinearTaskOptions::init(LinearInit::kLinear), or say "
      "init(LinearInit::kUniform) if this is what you want.");
}

} // namespace polytask::detail
