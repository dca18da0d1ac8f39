// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "optimizer_kind.h"

#include <c10/util/Type.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <typeinfo>

namespace polytask::optim::detail {

namespace {

template <typename Kind>
bool is_kind(const torch::optim::Optimizer& optimizer) {
  return dynamic_cast<const Kind*>(&optimizer) != nullptr;
}

template <typename Options>
bool group_decays(const torch::optim::OptimizerParamGroup& group) {
  return static_cast<const Options&>(group.options()).weight_decay() != 0;
}

template <typename Options>
bool decays(const torch::optim::Optimizer& optimizer) {
  const auto& groups = optimizer.param_groups();
  return std::any_of(groups.begin(), groups.end(), group_decays<Options>);
}

template <typename Options>
bool decays_all(const torch::optim::Optimizer& optimizer) {
  const auto& groups = optimizer.param_groups();
  return std::all_of(groups.begin(), groups.end(), group_decays<Options>);
}

} // namespace

std::string kind_of(const torch::optim::Optimizer& optimizer) {
  if (is_kind<torch::optim::SGD>(optimizer)) {
    return "SGD";
  }
  if (is_kind<torch::optim::Adam>(optimizer)) {
    return "Adam";
  }
  if (is_kind<torch::optim::AdamW>(optimizer)) {
    return "AdamW";
  }
  if (is_kind<torch::optim::Adagrad>(optimizer)) {
    return "Adagrad";
  }
  if (is_kind<torch::optim::RMSprop>(optimizer)) {
    return "RMSprop";
  }
  if (is_kind<RowWiseAdagrad>(optimizer)) {
    return "RowWiseAdagrad";
  }
  return c10::demangle(typeid(optimizer).name());
}

std::string sparse_obstacle(const torch::optim::Optimizer& optimizer) {
  const std::string kind = kind_of(optimizer);
  if (kind == "Adam" || kind == "AdamW" || kind == "RMSprop") {
    return "the optimizer '" + kind + "' takes none";
  }
  const bool decayed =
      (kind == "SGD" && decays<torch::optim::SGDOptions>(optimizer)) ||
      (kind == "Adagrad" && decays<torch::optim::AdagradOptions>(optimizer)) ||
      // It tells by itself which parameter is in a group with decay.
      (kind == "RowWiseAdagrad" &&
       decays_all<torch::optim::AdagradOptions>(optimizer));
  return decayed ? "weight decay takes none" : "";
}

} // namespace polytask::optim::detail
