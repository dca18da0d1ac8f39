// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/expert_options.h>

#include <c10/util/Exception.h>

#include <utility>

namespace polytask {

ExpertLevelOptions::ExpertLevelOptions(
    int64_t in_features, NetworkFactory expert)
    : in_features_(in_features), expert_(std::move(expert)) {
  TORCH_CHECK_VALUE(
      in_features_ > 0,
      "experts: expected in_features of at least 1, but got ",
      in_features_,
      ".");
  TORCH_CHECK_VALUE(expert_, "experts: the function that makes one is empty.");
}

} // namespace polytask
