// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/make_optimizer.h>

#include <c10/util/Exception.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/rmsprop.h>

#include <cmath>
#include <unordered_set>

namespace polytask::optim {

namespace {

using torch::optim::OptimizerOptions;
using torch::optim::OptimizerParamGroup;

void check_rate(double rate) {
  TORCH_CHECK_VALUE(
      std::isfinite(rate) && rate >= 0,
      "make_optimizer: expected a finite learning rate of at least 0, but got ",
      rate,
      ".");
}

// Null where `options` belongs to another optimizer.
template <typename Optimizer, typename Options>
std::unique_ptr<torch::optim::Optimizer> make_if(
    const std::vector<OptimizerParamGroup>& groups,
    const OptimizerOptions& options) {
  const auto* own = dynamic_cast<const Options*>(&options);
  if (!own) {
    return nullptr;
  }
  check_rate(own->get_lr());
  return std::make_unique<Optimizer>(groups, *own);
}

std::unique_ptr<torch::optim::Optimizer> make_known(
    const std::vector<OptimizerParamGroup>& groups,
    const OptimizerOptions& options) {
  using namespace torch::optim;
  if (auto made = make_if<FusedSGD, SGDOptions>(groups, options)) {
    return made;
  }
  // AdamW's options do not derive from Adam's, so the order does not matter.
  if (auto made = make_if<FusedAdam, AdamOptions>(groups, options)) {
    return made;
  }
  if (auto made = make_if<FusedAdamW, AdamWOptions>(groups, options)) {
    return made;
  }
  // Its options derive from Adagrad's.
  if (auto made =
          make_if<RowWiseAdagrad, RowWiseAdagradOptions>(groups, options)) {
    return made;
  }
  if (auto made = make_if<Adagrad, AdagradOptions>(groups, options)) {
    return made;
  }
  return make_if<RMSprop, RMSpropOptions>(groups, options);
}

template <typename Options>
bool stop_decay_of(OptimizerOptions& options) {
  auto* own = dynamic_cast<Options*>(&options);
  if (own) {
    own->weight_decay(0);
  }
  return own != nullptr;
}

// Of the known kinds, all of which know weight decay.
void stop_decay(OptimizerOptions& options) {
  using namespace torch::optim;
  stop_decay_of<SGDOptions>(options) || stop_decay_of<AdamOptions>(options) ||
      stop_decay_of<AdamWOptions>(options) ||
      stop_decay_of<AdagradOptions>(options) ||
      stop_decay_of<RMSpropOptions>(options);
}

} // namespace

std::unique_ptr<torch::optim::Optimizer> make_optimizer(
    const std::vector<ParameterGroup>& groups,
    const OptimizerOptions& options) {
  std::vector<OptimizerParamGroup> made;
  std::vector<std::unique_ptr<OptimizerOptions>> made_options;
  std::unordered_set<const c10::TensorImpl*> seen;
  for (const auto& group : groups) {
    for (const auto& parameter : group.parameters) {
      TORCH_CHECK_VALUE(
          seen.insert(parameter.unsafeGetTensorImpl()).second,
          "make_optimizer: a parameter of shape ",
          parameter.sizes(),
          " comes twice; it would be stepped twice.");
    }
    if (group.parameters.empty()) {
      continue;
    }
    auto own = options.clone();
    if (group.learning_rate) {
      check_rate(*group.learning_rate);
      own->set_lr(*group.learning_rate);
    }
    if (!group.decays) {
      stop_decay(*own);
    }
    made.emplace_back(group.parameters);
    made_options.push_back(std::move(own));
  }
  TORCH_CHECK_VALUE(!made.empty(), "make_optimizer: there is no parameter.");
  auto optimizer = make_known(made, options);
  TORCH_CHECK_VALUE(
      optimizer != nullptr,
      "make_optimizer: expected options of SGD, Adam, AdamW, Adagrad, RMSprop "
      "or RowWiseAdagrad. "
      "Construct another optimizer yourself and pass it in place of options.");
  // Options given with a group lose every value that equals its type's
  // default, so they are set afterwards.
  for (size_t i = 0; i < made.size(); ++i) {
    optimizer->param_groups()[i].set_options(std::move(made_options[i]));
  }
  return optimizer;
}

} // namespace polytask::optim
