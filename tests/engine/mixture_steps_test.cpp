// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/task/losses/callable.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <string>
#include <vector>

#include "tests/support/expert_models.h"

// What else a step of known mixtures has to leave as autograd does.

namespace polytask {
namespace {

using testing::RowsOf;

JointTraining sgd_training(
    const MultiTaskModel& model, const std::string& method, Route route) {
  JointTrainingOptions options;
  options.route(route);
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  return {model, torch::optim::SGDOptions(0.1), options};
}

TEST(MixtureSteps, CallTheHooksOfEveryParameter) {
  for (const auto& kind : testing::known_mixture_kinds()) {
    for (const std::string method : {"", "pcgrad"}) {
      const size_t count =
          testing::expert_model(kind)->sharing().parameters().size();
      for (size_t i = 0; i < count; ++i) {
        auto model = testing::expert_model(kind);
        int calls = 0;
        model->sharing().parameters()[i].register_hook(
            [&](const torch::Tensor& gradient) {
              ++calls;
              return gradient;
            });
        auto joint = sgd_training(model, method, Route::kAuto);
        joint.step(testing::expert_batch(RowsOf::kAll, torch::kFloat, 1));
        EXPECT_GE(calls, 1) << kind << " " << method << " " << i;
      }
    }
  }
}

TEST(MixtureSteps, KeepWhatALossReachesOfTasksThatTakeNoPart) {
  for (const auto& kind : testing::known_mixture_kinds()) {
    for (const std::string method : {"", "uw", "pcgrad"}) {
      std::vector<std::vector<torch::Tensor>> gradients(2);
      for (const bool is_autograd : {false, true}) {
        torch::manual_seed(3);
        auto model = testing::expert_model(kind);
        const auto all = model->sharing().parameters();
        model->replace_task(
            "class",
            Task(
                torch::nn::Linear(8, 1),
                [all](
                    const torch::Tensor& output, const torch::Tensor& target) {
                  auto loss = torch::nn::functional::mse_loss(output, target);
                  for (const auto& parameter : all) {
                    loss = loss + 0.1 * parameter.square().sum();
                  }
                  return loss;
                }));
        auto joint = sgd_training(
            model, method, is_autograd ? Route::kAutograd : Route::kAuto);
        joint.step(testing::expert_batch(RowsOf::kSome, torch::kFloat, 1));
        for (const auto& parameter : all) {
          gradients[is_autograd].push_back(parameter.grad());
        }
      }
      for (size_t i = 0; i < gradients[0].size(); ++i) {
        ASSERT_EQ(gradients[0][i].defined(), gradients[1][i].defined())
            << kind << " " << method << " " << i;
        EXPECT_TRUE(
            !gradients[0][i].defined() ||
            gradients[0][i].allclose(gradients[1][i], 1e-4, 1e-5))
            << kind << " " << method << " " << i;
      }
    }
  }
}

TEST(MixtureSteps, LeaveTheNotedMixturesInEvalMode) {
  for (const auto& kind : testing::known_mixture_kinds()) {
    auto model = testing::expert_model(kind);
    auto joint = sgd_training(model, "", Route::kAuto);
    joint.step(testing::expert_batch(RowsOf::kAll, torch::kFloat, 1));
    if (kind.find("stitches") == 0) {
      continue; // theirs are the parameters, which move
    }
    const auto noted = model->sharing().mixing_weights();
    model->eval();
    joint.step(testing::expert_batch(RowsOf::kAll, torch::kFloat, 2));
    const auto after = model->sharing().mixing_weights();
    ASSERT_EQ(after.size(), noted.size());
    for (size_t i = 0; i < noted.size(); ++i) {
      EXPECT_TRUE(
          after[i].values.nan_to_num(7).equal(noted[i].values.nan_to_num(7)))
          << kind;
    }
  }
}

TEST(MixtureSteps, DrawForInputsAsTheyStandInMemory) {
  for (const bool is_transposed : {false, true}) {
    std::vector<torch::Tensor> losses;
    for (const Route route : {Route::kAuto, Route::kAutograd}) {
      torch::manual_seed(1);
      MultiTaskModel model{MMoE(
          MMoEOptions(5, [] { return torch::nn::Dropout(0.5); }).experts(2))};
      for (const char* task : {"a", "b"}) {
        model->add_task(task, Task(torch::nn::Linear(5, 1), MSELoss()));
      }
      auto joint = sgd_training(model, "", route);
      const auto x = torch::randn({5, 4}).t();
      const Batch batch(
          is_transposed ? x : x.contiguous(),
          {{"a", torch::randn({4, 1})}, {"b", torch::randn({4, 1})}});
      torch::manual_seed(9);
      losses.push_back(joint.step(batch).losses);
    }
    EXPECT_TRUE(losses[0].allclose(losses[1], 1e-5, 1e-6)) << is_transposed;
  }
}

} // namespace
} // namespace polytask
