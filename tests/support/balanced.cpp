// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "balanced.h"

#include <polytask/balancing/make.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/modules/pooling.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/linear_task.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>

#include "experts.h"
#include "networks.h"

namespace polytask::testing {

namespace {

using torch::nn::Sequential;

constexpr int64_t kBalancedRows = 12;

// x · gate of the task, behind one linear layer: a sharing with parameters of
// single tasks.
class GatedSharingImpl : public Sharing {
 public:
  explicit GatedSharingImpl(int64_t tasks)
      : layer_(register_module("layer", torch::nn::Linear(5, 8))) {
    for (int64_t t = 0; t < tasks; ++t) {
      gates_.push_back(
          register_parameter("gate" + std::to_string(t), torch::randn({8})));
    }
  }
  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override {
    std::vector<torch::Tensor> all;
    for (int64_t t = 0; t < tasks; ++t) {
      all.push_back(features_of(input, t));
    }
    return all;
  }
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override {
    return torch::tanh(layer_(input)) * gates_[static_cast<size_t>(task)];
  }
  std::vector<torch::Tensor> task_parameters(int64_t task) const override {
    return {gates_[static_cast<size_t>(task)]};
  }

 private:
  torch::nn::Linear layer_;
  std::vector<torch::Tensor> gates_;
};

// Two parameters whose gradients autograd gives as one tensor, and one that
// nothing uses.
class OddTrunkImpl : public torch::nn::Cloneable<OddTrunkImpl> {
 public:
  OddTrunkImpl() {
    reset();
  }
  void reset() override {
    layer_ = register_module("layer", torch::nn::Linear(5, 8));
    left_ = register_parameter("left", torch::randn({8}));
    right_ = register_parameter("right", torch::randn({8}));
    register_parameter("unused", torch::randn({3}));
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return torch::tanh(layer_(input)) + (left_ + right_);
  }

 private:
  torch::nn::Linear layer_{nullptr};
  torch::Tensor left_;
  torch::Tensor right_;
};
TORCH_MODULE(OddTrunk);

MultiTaskModel with_heads(MultiTaskModel model, const Task& b) {
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", b);
  model->add_task("c", LinearTask(8, 2));
  return model;
}

Sequential make_trunk(const std::string& kind) {
  using namespace torch::nn;
  if (kind == "deep") {
    return Sequential(
        Linear(5, 6),
        GELU(),
        Linear(LinearOptions(6, 7).bias(false)),
        SiLU(),
        Linear(7, 9),
        LeakyReLU(),
        Linear(9, 6),
        ELU(),
        Identity(),
        Linear(6, 5),
        Sigmoid(),
        Linear(5, 8),
        Tanh());
  }
  if (kind == "conv") {
    return Sequential(
        Conv2d(Conv2dOptions(2, 4, 3).padding(1)),
        ReLU(),
        MaxPool2d(MaxPool2dOptions(3).stride(2)),
        Conv2d(Conv2dOptions(4, 4, 3).groups(2).bias(false)),
        Tanh(),
        Flatten(),
        Linear(4, 8));
  }
  if (kind == "embedding") {
    return Sequential(
        Embedding(EmbeddingOptions(11, 6).padding_idx(0)),
        Linear(6, 4),
        LayerNorm(LayerNormOptions({4})),
        ReLU(),
        Flatten(),
        Linear(12, 8),
        LayerNorm(LayerNormOptions({8}).elementwise_affine(false)));
  }
  if (kind == "in_place") {
    return Sequential(Linear(5, 6), ReLU(), Linear(6, 8));
  }
  if (kind == "unknown") {
    return Sequential(Linear(5, 6), Softsign(), Linear(6, 8));
  }
  return Sequential(Linear(5, 6), ReLU(), Linear(6, 8), ReLU());
}

torch::Tensor make_input(const std::string& kind) {
  if (kind == "conv") {
    return torch::randn({kBalancedRows, 2, 8, 8}, torch::kDouble);
  }
  if (kind == "embedding") {
    return torch::randint(0, 11, {kBalancedRows, 3}, torch::kLong);
  }
  return torch::randn({kBalancedRows, 5}, torch::kDouble);
}

MultiTaskModel make_model(const std::string& kind) {
  using namespace torch::nn;
  if (kind == "tied") {
    MultiTaskModel model{HardSharing(make_trunk("mlp"))};
    const torch::nn::Linear both(8, 1);
    model->add_task("a", Task(both, MSELoss()));
    model->add_task("b", Task(both, HuberLoss()));
    model->add_task("c", LinearTask(8, 2));
    return model;
  }
  if (kind == "gated" || kind == "gates_only") {
    MultiTaskModel model(std::static_pointer_cast<Sharing>(
        std::make_shared<GatedSharingImpl>(3)));
    if (kind == "gates_only") {
      for (auto& parameter : model->sharing().children()[0]->parameters()) {
        parameter.requires_grad_(false);
      }
    }
    return with_heads(model, LinearTask(8, 1));
  }
  if (kind == "experts") {
    return with_heads(behind_experts(3, 3), LinearTask(8, 1));
  }
  if (kind == "experts_headed") {
    const Sequential head(Linear(8, 3), Tanh(), Linear(3, 1));
    return with_heads(behind_experts(2, 3), Task(head, HuberLoss()));
  }
  if (kind == "odd") {
    return with_heads(
        MultiTaskModel(HardSharing(OddTrunk())), LinearTask(8, 1));
  }
  MultiTaskModel model{HardSharing(make_trunk(kind))};
  if (kind == "in_place" || kind == "headed" || kind == "other_heads") {
    const Sequential head = kind == "headed"
        ? Sequential(Linear(8, 3), Tanh(), Linear(3, 1))
        : kind == "other_heads"
        ? Sequential(Linear(8, 3), Softsign(), Linear(3, 1))
        : Sequential(ReLU(ReLUOptions(true)), Linear(8, 1));
    return with_heads(model, Task(head, MSELoss()));
  }
  model = with_heads(model, Task(Linear(8, 1), HuberLoss()).weight(0.3));
  if (kind == "frozen") {
    auto parameters = model->sharing().parameters();
    parameters[0].requires_grad_(false);
    parameters[3].requires_grad_(false);
  }
  return model;
}

} // namespace

const std::vector<std::string>& balanced_kinds() {
  static const std::vector<std::string> kinds{
      "mlp",
      "deep",
      "conv",
      "embedding",
      "unknown",
      "tied",
      "gated",
      "gates_only",
      "experts",
      "experts_headed",
      "odd",
      "in_place",
      "headed",
      "other_heads",
      "frozen"};
  return kinds;
}

BalancedJob balanced_job(const std::string& kind, torch::ScalarType type) {
  torch::manual_seed(5);
  MultiTaskModel model = make_model(kind);
  model->to(type);
  torch::Tensor input = make_input(kind);
  if (input.is_floating_point()) {
    input = input.to(type);
  }
  torch::Tensor some = torch::randn({kBalancedRows, 1}, type);
  some[2][0] = std::numeric_limits<double>::quiet_NaN();
  Batch batch(
      input,
      {{"a", torch::randn({kBalancedRows, 1}, type)},
       {"b", some},
       {"c", torch::randn({kBalancedRows, 2}, type)}});
  return {model, batch};
}

std::vector<double> GramianProbe::weights_of(int64_t tasks) {
  std::vector<double> weights;
  for (int64_t t = 0; t < tasks; ++t) {
    weights.push_back(1 + 0.5 * static_cast<double>(t));
  }
  return weights;
}

math::Vector GramianProbe::compute(
    const math::Matrix& gramian, const balancing::Extras&) {
  seen = gramian;
  return weights_of(gramian.size());
}

at::Tensor JacobianProbe::combine(
    const at::Tensor& jacobian, const balancing::Extras&) {
  seen = jacobian.clone();
  const auto weights = GramianProbe::weights_of(jacobian.size(0));
  return torch::mv(jacobian.t(), torch::tensor(weights, jacobian.options()));
}

ExpectedStep expected_step(const BalancedJob& job, bool weighs_heads) {
  const auto& model = job.model;
  const auto parameters = model->unique_parameters();
  std::vector<torch::Tensor> shared;
  for (const auto& parameter : model->shared_parameters()) {
    if (parameter.requires_grad()) {
      shared.push_back(parameter);
    }
  }
  const auto is_shared = [&](const torch::Tensor& parameter) {
    return std::any_of(shared.begin(), shared.end(), [&](const auto& one) {
      return one.is_same(parameter);
    });
  };
  ExpectedStep expected;
  expected.gradients.resize(parameters.size());
  std::vector<torch::Tensor> rows;
  const auto weights = GramianProbe::weights_of(model->size());
  for (int64_t t = 0; t < model->size(); ++t) {
    const auto& name = model->task_names()[static_cast<size_t>(t)];
    const auto& part = job.batch.part(name);
    const auto features = model->sharing().features_of(part.input, t);
    const auto loss =
        model->loss(t, features, part.labels) * model->task(t).weight();
    std::vector<torch::Tensor> trained;
    for (const auto& parameter : parameters) {
      if (parameter.requires_grad()) {
        trained.push_back(parameter);
      }
    }
    const auto gradients = torch::autograd::grad(
        {loss}, trained, {}, std::nullopt, false, /*allow_unused=*/true);
    std::vector<torch::Tensor> row;
    size_t place = 0;
    for (size_t p = 0; p < parameters.size(); ++p) {
      if (!parameters[p].requires_grad()) {
        continue;
      }
      const torch::Tensor gradient = gradients[place++];
      const bool shares = is_shared(parameters[p]);
      if (shares) {
        row.push_back(
            gradient.defined() ? gradient.reshape(-1)
                               : torch::zeros_like(parameters[p]).reshape(-1));
      }
      if (gradient.defined()) {
        const double weight =
            shares || weighs_heads ? weights[static_cast<size_t>(t)] : 1;
        auto& sum = expected.gradients[p];
        sum = sum.defined() ? sum + gradient * weight : gradient * weight;
      }
    }
    rows.push_back(
        row.empty() ? torch::zeros({0}, loss.options()) : torch::cat(row));
  }
  expected.jacobian = torch::stack(rows).detach();
  return expected;
}

std::vector<std::string> methods_of_one_batch() {
  std::vector<std::string> found;
  for (const auto& name : balancing::names()) {
    std::unique_ptr<balancing::Balancing> method;
    try {
      method = balancing::make(name);
    } catch (const c10::Error&) {
      continue; // needs options
    }
    if (method->batches() == 1 && !method->wants_representation() &&
        method->reads() != balancing::Reads::kBilevel) {
      found.push_back(name);
    }
  }
  return found;
}

} // namespace polytask::testing
