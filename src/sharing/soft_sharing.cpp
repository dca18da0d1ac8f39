// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/soft_sharing.h>

#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/check.h"
#include "sharing/cloning.h"
#include "sharing/distances.h"
#include "sharing/like_rest.h"
#include "sharing/stage_columns.h"

namespace polytask {

namespace {

bool is_bias(const std::string& name) {
  return name.substr(name.rfind('.') + 1) == "bias";
}

// Whether a name is that of the parameter or of a module around it.
bool stands_in(const std::string& parameter, const std::string& name) {
  return parameter == name || parameter.starts_with(name + ".");
}

} // namespace

SoftSharingImpl::SoftSharingImpl(
    std::function<Network()> trunk, SoftSharingOptions options)
    : InputsSharing("polytask::SoftSharing"),
      options_(std::move(options)),
      trunks_(std::make_shared<detail::StageColumns>(
          "SoftSharing", std::move(trunk))) {
  TORCH_CHECK_VALUE(
      std::isfinite(options_.weight()) && options_.weight() >= 0,
      "SoftSharing: expected a finite weight that is not negative, but got ",
      options_.weight(),
      ".");
  register_module("trunks", trunks_);
}

std::vector<std::string> SoftSharingImpl::held_together(
    const torch::nn::Module& trunk) const {
  const auto all = trunk.named_parameters().keys();
  for (const auto& wanted : options_.only()) {
    TORCH_CHECK_VALUE(
        std::any_of(
            all.begin(),
            all.end(),
            [&](const auto& name) { return stands_in(name, wanted); }),
        "SoftSharing: the trunk has no parameter in '",
        wanted,
        "'; it has ",
        detail::quoted(all),
        ".");
  }
  std::vector<std::string> held;
  for (const auto& name : all) {
    const bool is_wanted = options_.only().empty() ||
        std::any_of(options_.only().begin(),
                    options_.only().end(),
                    [&](const auto& own) { return stands_in(name, own); });
    if (is_wanted && (options_.biases() || !is_bias(name))) {
      held.push_back(name);
    }
  }
  return held;
}

void SoftSharingImpl::add_task(const std::string& name) {
  auto made = trunks_->make(name);
  const torch::nn::Module& module = *made[0].module();
  auto held = held_together(module);
  if (trunks_->tasks() > 0) {
    const auto first = trunks_->at(0, 0).module()->named_parameters();
    const auto own = module.named_parameters();
    TORCH_CHECK_VALUE(
        held == held_,
        "SoftSharing: expected the trunk of task '",
        name,
        "' to have the parameters ",
        detail::quoted(held_),
        " of the others, but it has ",
        detail::quoted(held),
        ".");
    for (const auto& each : held) {
      TORCH_CHECK_VALUE(
          own[each].sizes() == first[each].sizes(),
          "SoftSharing: expected '",
          each,
          "' in the trunk of task '",
          name,
          "' to have the shape ",
          first[each].sizes(),
          " of the others, but it has ",
          own[each].sizes(),
          ".");
    }
  }
  detail::make_like_rest(*this, *made[0].module());
  trunks_->add(name, std::move(made));
  held_ = std::move(held);
}

Inputs SoftSharingImpl::features_for(const Inputs& inputs, int64_t task) {
  return trunks_->run(0, trunks_->checked(task), inputs);
}

std::vector<Inputs> SoftSharingImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  trunks_->check_all(tasks);
  const auto all = trunks_->run_all(
      0, std::vector<Inputs>(static_cast<size_t>(tasks), inputs));
  return {all.begin(), all.end()};
}

std::vector<torch::Tensor> SoftSharingImpl::task_parameters(
    int64_t task) const {
  trunks_->checked(task);
  return options_.trunks_are_shared() ? std::vector<torch::Tensor>()
                                      : used_parameters(task);
}

std::vector<torch::Tensor> SoftSharingImpl::used_parameters(
    int64_t task) const {
  return trunk(task).module()->parameters();
}

torch::Tensor SoftSharingImpl::own_loss(c10::ArrayRef<int64_t> tasks) {
  const size_t count = trunks_->tasks();
  std::vector<bool> moves(count, false);
  for (const int64_t task : tasks) {
    moves[trunks_->checked(task)] = true;
  }
  if (!is_training() || options_.weight() == 0 || count < 2 || tasks.empty() ||
      held_.empty()) {
    return {};
  }
  std::vector<torch::OrderedDict<std::string, torch::Tensor>> parameters;
  parameters.reserve(count);
  for (size_t t = 0; t < count; ++t) {
    parameters.push_back(trunks_->at(t, 0).module()->named_parameters());
  }
  torch::Tensor sum;
  for (const auto& name : held_) {
    std::vector<torch::Tensor> rows;
    rows.reserve(count);
    for (size_t t = 0; t < count; ++t) {
      const torch::Tensor own = parameters[t][name].flatten();
      rows.push_back(moves[t] ? own : own.detach());
    }
    if (rows[0].numel() == 0) {
      continue;
    }
    try {
      const auto distance =
          options_.distance() == SoftSharingDistance::kTraceNorm
          ? detail::trace_norm(at::stack(rows))
          : detail::squared_distances(rows, moves);
      sum = sum.defined() ? sum + distance : distance;
    } catch (const c10::Error&) {
      detail::rethrow_with(
          c10::str("SoftSharing: the trunks' parameter '", name, "': "));
    }
  }
  return sum.defined() ? options_.weight() * sum : sum;
}

const Network& SoftSharingImpl::trunk(int64_t task) const {
  return trunks_->at(trunks_->checked(task), 0);
}

std::shared_ptr<torch::nn::Module> SoftSharingImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy =
      std::make_shared<SoftSharingImpl>(trunks_->factories()[0], options_);
  copy->trunks_ = copy->replace_module("trunks", trunks_->copy(device));
  copy->held_ = held_;
  detail::complete_clone(*this, *copy);
  copy->serve_as(*this);
  return copy;
}

void SoftSharingImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::SoftSharing()";
}

} // namespace polytask
