// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/model_checks.h"

#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <algorithm>
#include <sstream>

namespace polytask::testing {

namespace {

torch::OrderedDict<std::string, torch::Tensor> state_of_model(
    const MultiTaskModel& model) {
  auto state = model->named_parameters();
  state.update(model->named_buffers());
  return state;
}

void expect_equal_outputs(
    MultiTaskModel a, MultiTaskModel b, const Inputs& inputs) {
  const torch::NoGradGuard no_grad;
  const auto outputs = a->forward(inputs);
  const auto others = b->forward(inputs);
  ASSERT_EQ(outputs.keys(), others.keys());
  for (const auto& output : outputs) {
    EXPECT_TRUE(torch::equal(output.value(), others[output.key()]))
        << output.key();
  }
}

torch::Tensor sum_of_features(const Inputs& features) {
  torch::Tensor sum = torch::zeros({}, torch::kDouble);
  features.for_each([&](const std::string&, const torch::Tensor& tensor) {
    sum = sum + tensor.to(torch::kDouble).sin().sum();
  });
  return sum;
}

bool holds_tensor(
    const std::vector<torch::Tensor>& all, const torch::Tensor& one) {
  return std::any_of(all.begin(), all.end(), [&](const auto& each) {
    return each.is_same(one);
  });
}

double sum_of_losses_on(const MultiTaskModel& model, const Batch& batch) {
  MultiTaskModel copy = clone(model);
  return JointTraining(copy, torch::optim::SGDOptions(0.0))
      .step(batch)
      .losses.nansum()
      .item<double>();
}

} // namespace

void expect_one_task_as_all(MultiTaskModel model, const Inputs& inputs) {
  const auto all = model->features(inputs);
  const auto outputs = model->forward(inputs);
  for (int64_t i = 0; i < model->size(); ++i) {
    const Inputs own = model->features_of(inputs, i);
    const Inputs& same = all[static_cast<size_t>(i)];
    ASSERT_EQ(own.names(), same.names());
    for (const auto& name :
         own.is_tensor() ? std::vector<std::string>() : own.names()) {
      EXPECT_TRUE(torch::allclose(own[name], same[name], 1e-12, 1e-12));
    }
    if (own.is_tensor()) {
      EXPECT_TRUE(torch::allclose(own.tensor(), same.tensor(), 1e-12, 1e-12));
    }
    const auto& name = model->task_names()[static_cast<size_t>(i)];
    EXPECT_TRUE(torch::allclose(
        model->forward_task(inputs, name), outputs[name], 1e-12, 1e-12))
        << name;
  }
}

void expect_deep_clone(const MultiTaskModel& model, const Inputs& inputs) {
  const MultiTaskModel copy = clone(model);
  const auto own = state_of_model(model);
  const auto copies = state_of_model(copy);
  ASSERT_EQ(copies.keys(), own.keys());
  for (const auto& tensor : copies) {
    const torch::Tensor& original = own[tensor.key()];
    EXPECT_TRUE(torch::equal(tensor.value(), original)) << tensor.key();
    EXPECT_NE(tensor.value().data_ptr(), original.data_ptr()) << tensor.key();
    EXPECT_EQ(tensor.value().requires_grad(), original.requires_grad());
  }
  const auto modules = copy->named_modules();
  for (const auto& module : model->named_modules()) {
    EXPECT_EQ(
        modules[module.key()]->is_training(), module.value()->is_training())
        << module.key();
  }
  EXPECT_EQ(
      copy->shared_parameters().size(), model->shared_parameters().size());
  EXPECT_EQ(copy->sharing().tasks(), model->sharing().tasks());
  expect_equal_outputs(model, copy, inputs);
}

void expect_saved_and_loaded(
    const MultiTaskModel& model, MultiTaskModel other, const Inputs& inputs) {
  std::stringstream bytes;
  torch::save(model, bytes);
  torch::load(other, bytes);
  const auto own = state_of_model(model);
  for (const auto& tensor : state_of_model(other)) {
    EXPECT_TRUE(torch::equal(tensor.value(), own[tensor.key()]))
        << tensor.key();
  }
  expect_equal_outputs(model, other, inputs);
}

void expect_used_parameters(MultiTaskModel model, const Inputs& inputs) {
  Sharing& sharing = model->sharing();
  std::vector<torch::Tensor> trained = sharing.parameters();
  std::erase_if(
      trained, [](const auto& each) { return !each.requires_grad(); });
  for (int64_t task = 0; task < model->size(); ++task) {
    const auto used = sharing.used_parameters(task);
    const auto gradients = torch::autograd::grad(
        {sum_of_features(model->features_of(inputs, task))},
        trained,
        {},
        false,
        false,
        true);
    for (size_t i = 0; i < trained.size(); ++i) {
      EXPECT_EQ(gradients[i].defined(), holds_tensor(used, trained[i]))
          << task << ' ' << i;
    }
    for (const auto& own : sharing.task_parameters(task)) {
      for (int64_t other = 0; other < model->size(); ++other) {
        EXPECT_EQ(
            holds_tensor(sharing.used_parameters(other), own), other == task);
      }
    }
  }
}

void expect_learns(const MultiTaskModel& model, const Batch& batch) {
  const double before = sum_of_losses_on(model, batch);
  JointTraining(model, torch::optim::AdamOptions(0.02)).run(batch, 40);
  EXPECT_LT(sum_of_losses_on(model, batch), 0.95 * before);
}

void expect_learns_in_turn(
    MultiTaskModel model, const Batch& batch, const std::string& task) {
  const MultiTaskModel before = clone(model);
  AlternatingTraining alternating(
      model,
      torch::optim::AdamOptions(0.02),
      AlternatingTrainingOptions().sampler(RoundRobinSampler()));
  alternating.step_task(batch, task);
  alternating.step_task(batch, task);
  for (const auto& name : model->task_names()) {
    const auto now = model->task_parameters(name);
    const auto then = before->task_parameters(name);
    bool moved = false;
    for (size_t i = 0; i < now.size(); ++i) {
      moved = moved || !torch::equal(now[i], then[i]);
    }
    EXPECT_EQ(moved, name == task && !now.empty()) << name;
  }
  const double start = sum_of_losses_on(before, batch);
  alternating.run(batch, 90);
  EXPECT_LT(sum_of_losses_on(model, batch), 0.97 * start);
}

void expect_routes_agree(const MultiTaskModel& model, const Batch& batch) {
  const auto trained = [&](const char* method, Route route) {
    MultiTaskModel copy = clone(model);
    JointTrainingOptions options;
    options.route(route);
    if (method != nullptr) {
      options.balancing(balancing::make(method));
    }
    JointTraining(copy, torch::optim::SGDOptions(0.05), options).run(batch, 3);
    return copy->unique_parameters();
  };
  for (const char* method :
       {static_cast<const char*>(nullptr), "pcgrad", "mgda"}) {
    const auto own = trained(method, Route::kAuto);
    const auto plain = trained(method, Route::kAutograd);
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(torch::allclose(own[i], plain[i], 1e-4, 1e-5))
          << (method ? method : "sum") << ' ' << i;
    }
  }
}

} // namespace polytask::testing
