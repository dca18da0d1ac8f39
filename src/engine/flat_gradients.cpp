// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "flat_gradients.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "core/host_value.h"

namespace polytask::detail {

namespace {

// Small tensors are many, and an operator costs more than their bytes.
void copy_values(const torch::Tensor& from, const torch::Tensor& to) {
  if (from.numel() > 0 && from.is_cpu() && to.is_cpu() &&
      from.is_contiguous() && to.is_contiguous() &&
      from.scalar_type() == to.scalar_type()) {
    std::memcpy(to.mutable_data_ptr(), from.const_data_ptr(), from.nbytes());
  } else {
    to.copy_(from);
  }
}

// Whose sums are as good as those of the numbers themselves.
bool holds_numbers(const torch::Tensor& like) {
  return like.is_cpu() &&
      (like.scalar_type() == torch::kFloat ||
       like.scalar_type() == torch::kDouble);
}

} // namespace

bool FlatGradients::is_of(
    const std::vector<torch::Tensor>& parameters, size_t count) const {
  return count == count_ && !pieces_.empty() &&
      std::ranges::equal(
             parameters, members_, [](const auto& given, const Member& member) {
               return given.is_same(member.parameter) &&
                   given.sizes() == member.values.sizes() &&
                   given.scalar_type() == member.values.scalar_type() &&
                   given.device() == member.values.device();
             });
}

void FlatGradients::lay_out(
    const std::vector<torch::Tensor>& parameters, size_t count) {
  struct Kind {
    torch::Tensor like;
    std::vector<size_t> members;
    int64_t numbers = 0;
  };
  std::map<std::pair<at::ScalarType, std::string>, Kind> kinds;
  for (size_t i = 0; i < parameters.size(); ++i) {
    Kind& kind =
        kinds[{parameters[i].scalar_type(), parameters[i].device().str()}];
    kind.like = parameters[i];
    kind.members.push_back(i);
    kind.numbers += parameters[i].numel();
  }
  members_.assign(parameters.size(), {});
  count_ = count;
  pieces_.clear();
  numbers_.reset();
  sums_.resize(count + parameters.size());
  const auto behind = static_cast<int64_t>(sums_.size());
  // Double, which comes last, before float.
  const auto holder =
      std::find_if(kinds.rbegin(), kinds.rend(), [](const auto& item) {
        return holds_numbers(item.second.like);
      });
  for (const auto& item : kinds) {
    const Kind& kind = item.second;
    const bool with_numbers = holder != kinds.rend() && &*holder == &item;
    const torch::Tensor piece = torch::zeros(
        {kind.numbers + (with_numbers ? behind : 0)},
        kind.like.options().requires_grad(false));
    if (with_numbers) {
      numbers_ = piece.narrow(0, kind.numbers, behind);
    }
    int64_t place = 0;
    for (const size_t i : kind.members) {
      const torch::Tensor& parameter = parameters[i];
      members_[i] = {
          parameter,
          piece.narrow(0, place, parameter.numel()).view(parameter.sizes()),
          count + i};
      place += parameter.numel();
    }
    pieces_.push_back(piece);
  }
  if (!numbers_.defined()) {
    numbers_ = torch::zeros({behind}, torch::kDouble);
    pieces_.push_back(numbers_);
  }
}

void FlatGradients::write(const std::vector<double>& numbers, bool has_some) {
  std::ranges::copy(numbers, sums_.begin());
  for (const Member& member : members_) {
    const torch::Tensor& gradient = member.parameter.grad();
    const bool counts = has_some && gradient.defined();
    sums_[member.mark] = counts ? 1 : 0;
    if (counts) {
      copy_values(gradient, member.values);
    } else {
      member.values.zero_();
    }
  }
  numbers_.copy_(
      torch::from_blob(sums_.data(), {numbers_.numel()}, torch::kDouble));
}

void FlatGradients::sum(
    Communicator& group,
    const std::vector<torch::Tensor>& parameters,
    std::vector<double>& numbers,
    bool has_some) {
  const at::NoGradGuard no_grad;
  if (!is_of(parameters, numbers.size())) {
    lay_out(parameters, numbers.size());
  }
  write(numbers, has_some);
  for (torch::Tensor& piece : pieces_) {
    group.sum(piece);
  }
  copy_to_host(numbers_, sums_.data());
  std::copy_n(sums_.begin(), numbers.size(), numbers.begin());
}

void FlatGradients::publish() const {
  const at::NoGradGuard no_grad;
  for (const Member& member : members_) {
    if (sums_[member.mark] == 0) {
      continue;
    }
    torch::Tensor& gradient = member.parameter.mutable_grad();
    if (!gradient.defined()) {
      gradient = torch::empty_like(member.parameter);
    }
    copy_values(member.values, gradient);
  }
}

} // namespace polytask::detail
