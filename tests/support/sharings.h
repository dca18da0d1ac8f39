// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/data/dataset.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/sharing.h>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

// Every way to share, for what holds of all of them.
namespace polytask::testing {

/// Dropout is in all that a sharing takes from outside, and draws in training.
struct SharingKind {
  std::string name;      // of the case, and in a test's name
  std::string in_errors; // whom its errors name
  std::function<std::shared_ptr<Sharing>()> make;
  bool takes_prior = false; // two tensors, "input" and "prior", else one
  int64_t width = 3;        // of the features
};

std::vector<SharingKind> every_sharing();
/// Those with a loss of their own.
std::vector<SharingKind> sharings_with_own_loss();

/// Three tasks "a b", "class" and "ß" behind it, in training mode.
MultiTaskModel model_of(const SharingKind& kind);
/// Rows for that model; "class" has no label in every fifth.
data::Dataset rows_for(
    const SharingKind& kind, int64_t count, torch::Dtype dtype = torch::kFloat);

/// Parameters and buffers, as they are now.
std::vector<torch::Tensor> state_of(const torch::nn::Module& module);
void expect_same_state(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b);

// For gtest.
inline std::string name_of_kind(
    const ::testing::TestParamInfo<SharingKind>& kind) {
  return kind.param.name;
}
inline void PrintTo(const SharingKind& kind, std::ostream* stream) {
  *stream << kind.name;
}

} // namespace polytask::testing
