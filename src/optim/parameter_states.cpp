// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "parameter_states.h"

#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <memory>
#include <sstream>
#include <utility>

namespace polytask::optim::detail {

namespace {

using torch::optim::Optimizer;
using States = std::decay_t<decltype(std::declval<Optimizer&>().state())>;

void move_states(
    States& from, const std::vector<at::Tensor>& parameters, States& to) {
  for (const auto& parameter : parameters) {
    void* key = parameter.unsafeGetTensorImpl();
    to.erase(key);
    if (const auto found = from.find(key); found != from.end()) {
      to[key] = std::move(found->second);
      from.erase(key);
    }
  }
}

// The states of other parameters, and all options, until it goes.
class Aside {
 public:
  Aside(Optimizer& optimizer, const std::vector<at::Tensor>& parameters)
      : optimizer_(optimizer), parameters_(parameters) {
    move_states(optimizer.state(), parameters, own_);
    std::swap(own_, optimizer.state()); // the others are there now
    for (const auto& group : optimizer.param_groups()) {
      options_.push_back(group.options().clone());
    }
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  ~Aside() {
    move_states(optimizer_.state(), parameters_, own_);
    std::swap(own_, optimizer_.state());
    for (size_t i = 0; i < options_.size(); ++i) {
      optimizer_.param_groups()[i].set_options(std::move(options_[i]));
    }
  }

 private:
  Optimizer& optimizer_;
  const std::vector<at::Tensor>& parameters_;
  States own_;
  std::vector<std::unique_ptr<torch::optim::OptimizerOptions>> options_;
};

} // namespace

std::string states_of(
    Optimizer& optimizer, const std::vector<at::Tensor>& parameters) {
  const Aside aside(optimizer, parameters);
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  std::ostringstream stream;
  archive.save_to(stream);
  return stream.str();
}

void load_states(
    Optimizer& optimizer,
    const std::vector<at::Tensor>& parameters,
    const std::string& archive) {
  const Aside aside(optimizer, parameters);
  optimizer.state().clear();
  torch::serialize::InputArchive input;
  std::istringstream stream(archive);
  input.load_from(
      stream,
      parameters.empty() ? at::Device(at::kCPU) : parameters[0].device());
  optimizer.load(input);
}

} // namespace polytask::optim::detail
