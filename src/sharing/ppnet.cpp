// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/ppnet.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <c10/util/Exception.h>
#include <torch/nn/modules/container/modulelist.h>

#include "core/archive_key.h"
#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/matching.h"
#include "sharing/pepnet/prior_gate.h"
#include "sharing/task_places.h"

namespace polytask {

namespace detail {

/// The layers of one task.
class PPNetTower : public torch::nn::Module {
 public:
  explicit PPNetTower(const PPNetOptions& options)
      : torch::nn::Module("polytask::PPNetTower") {
    const int64_t read = options.in_features() + options.prior_features();
    torch::nn::ModuleList layers, gates;
    int64_t width = options.in_features();
    for (const int64_t next : options.widths()) {
      layers_.emplace_back(width, next);
      gates_.emplace_back(PriorGateForm{
          read, options.gate_width().value_or(next), next, options.gamma()});
      layers->push_back(layers_.back());
      gates->push_back(gates_.back());
      width = next;
    }
    register_module("layers", layers);
    register_module("gates", gates);
  }

  torch::Tensor forward(const PriorInput& read) {
    torch::Tensor hidden = read.input;
    for (size_t i = 0; i < layers_.size(); ++i) {
      hidden = at::relu(layers_[i]->forward(hidden)) *
          gates_[i]->forward(read.gate_input);
    }
    return hidden;
  }

 private:
  std::vector<torch::nn::Linear> layers_;
  std::vector<PriorGate> gates_;
};

} // namespace detail

namespace {

detail::PriorReading ppnet_reading(const PPNetOptions& options) {
  return {
      "PPNet",
      options.in_features(),
      options.prior_features(),
      options.input_name(),
      options.prior_name(),
      options.prior_first()};
}

} // namespace

PPNetImpl::PPNetImpl(PPNetOptions options)
    : Sharing("polytask::PPNet"),
      options_(std::move(options)),
      by_task_(std::make_shared<torch::nn::Module>("polytask::PPNetTowers")) {
  detail::check_prior_options(ppnet_reading(options_), options_.gamma());
  detail::check_prior_width(
      "PPNet", "gate_width", options_.gate_width().value_or(1));
  TORCH_CHECK_VALUE(
      !options_.widths().empty(),
      "PPNet: expected the width of at least one layer.");
  for (const int64_t width : options_.widths()) {
    detail::check_prior_width("PPNet", "widths", width);
  }
  register_module("tasks", by_task_);
}

PPNetImpl::~PPNetImpl() = default;

void PPNetImpl::add_task(const std::string& name) {
  auto tower = std::make_shared<detail::PPNetTower>(options_);
  detail::make_like_rest(*this, *tower);
  by_task_->register_module(detail::archive_key(name), tower);
  towers_.push_back(std::move(tower));
}

std::vector<Inputs> PPNetImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  const auto read = detail::read_prior(ppnet_reading(options_), inputs);
  std::vector<Inputs> all;
  for (const auto& tower : towers_) {
    all.emplace_back(tower->forward(read));
  }
  return all;
}

Inputs PPNetImpl::features_for(const Inputs& inputs, int64_t task) {
  const size_t place = detail::task_place(*this, task);
  const auto read = detail::read_prior(ppnet_reading(options_), inputs);
  return towers_[place]->forward(read);
}

std::vector<torch::Tensor> PPNetImpl::task_parameters(int64_t task) const {
  return towers_[detail::task_place(*this, task)]->parameters();
}

std::vector<torch::Tensor> PPNetImpl::used_parameters(int64_t task) const {
  return task_parameters(task);
}

std::shared_ptr<torch::nn::Module> PPNetImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<PPNetImpl>(options_);
  copy->serve(tasks());
  detail::copy_state(*this, *copy, device);
  detail::complete_clone(*this, *copy);
  return copy;
}

void PPNetImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::PPNet(in_features=" << options_.in_features()
         << ", prior_features=" << options_.prior_features()
         << ", widths=" << c10::ArrayRef<int64_t>(options_.widths())
         << ", gamma=" << options_.gamma() << ")";
}

} // namespace polytask
