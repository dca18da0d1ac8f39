// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "optimizer_kind.h"

#include <c10/util/Type.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <typeinfo>

namespace polytask::optim::detail {

namespace {

template <typename Kind>
bool is_kind(const torch::optim::Optimizer& optimizer) {
  return dynamic_cast<const Kind*>(&optimizer) != nullptr;
}

template <typename Options>
bool decays(const torch::optim::Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups()) {
    if (static_cast<const Options&>(group.options()).weight_decay() != 0) {
      return true;
    }
  }
  return false;
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
  return c10::demangle(typeid(optimizer).name());
}

std::string sparse_obstacle(const torch::optim::Optimizer& optimizer) {
  const std::string kind = kind_of(optimizer);
  if (kind == "Adam" || kind == "AdamW" || kind == "RMSprop") {
    return "the optimizer '" + kind + "' takes none";
  }
  const bool decayed =
      (kind == "SGD" && decays<torch::optim::SGDOptions>(optimizer)) ||
      (kind == "Adagrad" && decays<torch::optim::AdagradOptions>(optimizer));
  return decayed ? "weight decay takes none" : "";
}

} // namespace polytask::optim::detail
