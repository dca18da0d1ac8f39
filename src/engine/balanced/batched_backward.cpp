// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "batched_backward.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

// The header of the vmap that knows nearly every operator needs nlohmann-json,
// which LibTorch's wheel lacks; the older vmap needs nothing, and goes row by
// row where it does not know an operator.
#if __has_include(<nlohmann/json.hpp>)
#define POLYTASK_HAS_FUNCTORCH 1
#include <ATen/functorch/BatchedFallback.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>
#else
#define POLYTASK_HAS_FUNCTORCH 0
#include <ATen/LegacyVmapMode.h>
#include <ATen/ops/_add_batch_dim.h>
#include <ATen/ops/_remove_batch_dim.h>
#endif

namespace polytask::detail {

namespace {

#if POLYTASK_HAS_FUNCTORCH

namespace functorch = at::functorch;

class VmapLevel {
 public:
  explicit VmapLevel(int64_t count)
      : count_(count),
        level_(functorch::initAndPushDynamicLayer(
            functorch::TransformType::Vmap,
            c10::SymInt(count),
            functorch::RandomnessType::Error)),
        warned_(functorch::isVmapFallbackWarningEnabled()) {
    functorch::setVmapFallbackWarningEnabled(false);
  }
  VmapLevel(const VmapLevel&) = delete;
  VmapLevel& operator=(const VmapLevel&) = delete;
  ~VmapLevel() {
    functorch::setVmapFallbackWarningEnabled(warned_);
    functorch::popDynamicLayerAndDeleteMetadata();
  }
  torch::Tensor wrap(const torch::Tensor& tensor) const {
    return functorch::addBatchDim(tensor, 0, level_);
  }
  torch::Tensor unwrap(const torch::Tensor& tensor) const {
    if (!tensor.defined()) {
      return tensor;
    }
    if (auto* batched = functorch::maybeGetBatchedImpl(tensor)) {
      return batched->value().movedim(batched->bdim(), 0);
    }
    std::vector<int64_t> shape{count_};
    shape.insert(shape.end(), tensor.sizes().begin(), tensor.sizes().end());
    return tensor.expand(shape);
  }

 private:
  int64_t count_;
  int64_t level_;
  bool warned_;
};

#else

class VmapLevel {
 public:
  explicit VmapLevel(int64_t count)
      : count_(count), level_(at::impl::VmapMode::increment_nesting()) {}
  VmapLevel(const VmapLevel&) = delete;
  VmapLevel& operator=(const VmapLevel&) = delete;
  ~VmapLevel() {
    at::impl::VmapMode::decrement_nesting();
  }
  torch::Tensor wrap(const torch::Tensor& tensor) const {
    return at::_add_batch_dim(tensor, 0, level_);
  }
  torch::Tensor unwrap(const torch::Tensor& tensor) const {
    return tensor.defined() ? at::_remove_batch_dim(tensor, level_, count_, 0)
                            : tensor;
  }

 private:
  int64_t count_;
  int64_t level_;
};

#endif

} // namespace

std::vector<torch::Tensor> batched_gradients(
    const torch::Tensor& output,
    const torch::Tensor& cotangents,
    const std::vector<torch::Tensor>& inputs) {
  const VmapLevel level(cotangents.size(0));
  auto gradients = torch::autograd::grad(
      {output},
      inputs,
      {level.wrap(cotangents)},
      /*retain_graph=*/true,
      /*create_graph=*/false,
      /*allow_unused=*/true);
  for (torch::Tensor& gradient : gradients) {
    gradient = level.unwrap(gradient);
  }
  return gradients;
}

#if POLYTASK_HAS_FUNCTORCH

namespace {

using Visit = std::function<void(size_t, const torch::Tensor&)>;

// Fires when the gradient of one leaf is complete.
class StreamHook : public torch::autograd::PostAccumulateGradHook {
 public:
  StreamHook(const VmapLevel& level, size_t input, const Visit& visit)
      : level_(level), input_(input), visit_(visit) {}
  void operator()(const torch::autograd::Variable& leaf) override {
    visit_(input_, level_.unwrap(leaf.grad()));
    leaf.mutable_grad().reset();
  }

 private:
  const VmapLevel& level_;
  size_t input_;
  const Visit& visit_;
};

// Takes the hooks off again, also where a backward throws; puts back a hook of
// the user's own and the gradients that were there.
class StreamHooks {
 public:
  StreamHooks(
      const std::vector<torch::Tensor>& inputs,
      const VmapLevel& level,
      const Visit& visit)
      : inputs_(inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      gradients_.push_back(inputs[i].grad());
      inputs[i].mutable_grad().reset();
      users_.push_back(
          std::move(torch::autograd::impl::post_acc_grad_hooks(inputs[i])));
      torch::autograd::impl::set_post_acc_grad_hooks(
          inputs[i], std::make_unique<StreamHook>(level, i, visit));
    }
  }
  StreamHooks(const StreamHooks&) = delete;
  StreamHooks& operator=(const StreamHooks&) = delete;
  ~StreamHooks() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      torch::autograd::impl::set_post_acc_grad_hooks(
          inputs_[i], std::move(users_[i]));
      inputs_[i].mutable_grad() = gradients_[i];
    }
  }

 private:
  const std::vector<torch::Tensor>& inputs_;
  std::vector<torch::Tensor> gradients_;
  std::vector<std::unique_ptr<torch::autograd::PostAccumulateGradHook>> users_;
};

} // namespace

void stream_gradients(
    const torch::Tensor& output,
    const torch::Tensor& cotangents,
    const std::vector<torch::Tensor>& inputs,
    const Visit& visit) {
  const VmapLevel level(cotangents.size(0));
  const StreamHooks hooks(inputs, level, visit);
  // Into these leaves only: others that the graph has are none of ours. Not by
  // autograd::backward, whose inputs functorch refuses.
  torch::autograd::edge_list leaves;
  for (const torch::Tensor& input : inputs) {
    leaves.emplace_back(torch::autograd::impl::grad_accumulator(input), 0);
  }
  torch::autograd::Engine::get_default_engine().execute(
      {torch::autograd::impl::gradient_edge(output)},
      {level.wrap(cotangents)},
      /*keep_graph=*/true,
      /*create_graph=*/false,
      /*accumulate_grad=*/true,
      leaves);
}

bool can_stream() {
  return true;
}

#else

void stream_gradients(
    const torch::Tensor& output,
    const torch::Tensor& cotangents,
    const std::vector<torch::Tensor>& inputs,
    const std::function<void(size_t, const torch::Tensor&)>& visit) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    visit(i, batched_gradients(output, cotangents, {inputs[i]})[0]);
  }
}

bool can_stream() {
  return false;
}

#endif

} // namespace polytask::detail
