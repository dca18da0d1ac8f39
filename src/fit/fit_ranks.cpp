// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/fit_ranks.h"

#include <ATen/Context.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <cstring>

namespace polytask::fit::detail {

bool FitRanks::of_first(bool value) const {
  return some(is_first() && value, false).first;
}

std::string FitRanks::of_first(const std::string& text) const {
  if (!are_some()) {
    return text;
  }
  at::Tensor length =
      at::tensor({static_cast<int64_t>(text.size())}, at::kLong);
  group_->broadcast(length);
  at::Tensor bytes = at::zeros({length.item<int64_t>() + 1}, at::kByte);
  if (is_first()) {
    std::memcpy(bytes.mutable_data_ptr<uint8_t>(), text.data(), text.size());
  }
  group_->broadcast(bytes);
  return reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>());
}

std::pair<bool, bool> FitRanks::some(bool first, bool second) const {
  const auto sums = peers_.sum_after(2, [&](std::vector<double>& numbers) {
    numbers = {first ? 1.0 : 0.0, second ? 1.0 : 0.0};
  });
  return {sums[0] > 0, sums[1] > 0};
}

void FitRanks::check_length(int64_t steps) const {
  const auto own = static_cast<double>(steps);
  const auto sums = peers_.sum_after(
      2, [&](std::vector<double>& numbers) { numbers = {own, own * own}; });
  TORCH_CHECK_VALUE(
      sums[0] * sums[0] == sums[1] * static_cast<double>(peers_.size()),
      "Fit: the ranks have epochs of different length; here it has ",
      steps,
      " steps. Give all the same data, and each its LoaderOptions::shard.");
}

at::Tensor FitRanks::random_states() const {
  const at::Tensor own =
      at::globalContext().defaultGenerator(at::kCPU).get_state();
  return are_some() ? group_->gather(own) : own.unsqueeze(0);
}

void FitRanks::restore_random(const at::Tensor& states) const {
  if (states.dim() == 2 && states.size(0) == peers_.size()) {
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    generator.set_state(states[peers_.rank()].clone()); // aligned
  }
}

} // namespace polytask::fit::detail
