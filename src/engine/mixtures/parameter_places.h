// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace polytask::detail {

/// Where the trained parameters stand in a row [N] of gradients.
class ParameterPlaces {
 public:
  explicit ParameterPlaces(const std::vector<torch::Tensor>& parameters) {
    for (const auto& parameter : parameters) {
      places_.emplace(parameter.unsafeGetTensorImpl(), elements_);
      elements_ += parameter.numel();
    }
  }

  int64_t elements() const {
    return elements_;
  }
  /// Negative where it is not trained.
  int64_t of(const torch::Tensor& parameter) const {
    const auto found = places_.find(parameter.unsafeGetTensorImpl());
    return found == places_.end() ? -1 : found->second;
  }
  /// Of several that stand one after the other; negative where they do not.
  int64_t of_all(const std::vector<torch::Tensor>& parameters) const {
    int64_t next = parameters.empty() ? 0 : of(parameters[0]);
    const int64_t first = next;
    for (const auto& parameter : parameters) {
      if (next < 0 || of(parameter) != next) {
        return -1;
      }
      next += parameter.numel();
    }
    return first;
  }

 private:
  std::unordered_map<const c10::TensorImpl*, int64_t> places_;
  int64_t elements_ = 0;
};

} // namespace polytask::detail
