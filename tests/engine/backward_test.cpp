// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/engine/backward.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/balanced.h"
#include "tests/support/errors.h"

// polytask::backward, for graphs of the user's own.

namespace polytask {
namespace {

using testing::error_of;
using testing::GramianProbe;
using ::testing::HasSubstr;
using torch::nn::Linear;

MultiTaskModel make_own_graph_model() {
  torch::manual_seed(51);
  MultiTaskModel model{
      HardSharing(torch::nn::Sequential(Linear(5, 8), torch::nn::Tanh()))};
  model->add_task("a", Task(Linear(8, 1), MSELoss()));
  model->add_task("b", Task(Linear(8, 2), MSELoss()).weight(0.4));
  model->add_task("c", Task(Linear(8, 1), HuberLoss(0.5)));
  return model->to(torch::kDouble), model;
}

Batch make_own_graph_batch(uint64_t seed) {
  torch::manual_seed(seed);
  const auto noise = [](int64_t width) {
    return torch::randn({12, width}, torch::kDouble);
  };
  return Batch(noise(5), {{"a", noise(1)}, {"b", noise(2)}, {"c", noise(1)}});
}

std::vector<torch::Tensor> losses_of(
    const MultiTaskModel& model, const Batch& batch) {
  const auto features = model->features(batch.inputs());
  std::vector<torch::Tensor> losses;
  for (int64_t t = 0; t < model->size(); ++t) {
    const auto& part = batch.part(model->task_names()[static_cast<size_t>(t)]);
    losses.push_back(
        model->loss(t, features[static_cast<size_t>(t)], part.labels) *
        model->task(t).weight());
  }
  return losses;
}

// With the options that have no default.
std::unique_ptr<balancing::Balancing> make_for_three(const std::string& name) {
  const std::vector<double> numbers{1, 2, 0.5};
  balancing::OptionValues options;
  if (name == "constant" || name == "scalarizer_constant") {
    options.emplace("weights", numbers);
  } else if (name == "preference") {
    options.emplace("preferences", numbers);
    options.emplace("method", "mgda");
  } else if (name == "every_k_steps") {
    options.emplace("k", 2.0);
    options.emplace("method", "upgrad");
  } else if (name == "per_group" || name == "summed_representation") {
    options.emplace("method", "mgda");
  }
  return balancing::make(name, options);
}

class OwnGraph : public ::testing::TestWithParam<std::string> {};

TEST_P(OwnGraph, GetsWhatATrainingGives) {
  auto method = make_for_three(GetParam());
  method->prepare(3);
  if (method->batches() != 1 || method->wants_representation() ||
      method->reads() == balancing::Reads::kBilevel) {
    const MultiTaskModel own = make_own_graph_model();
    const auto losses = losses_of(own, make_own_graph_batch(1));
    EXPECT_THAT(
        error_of([&] { backward(losses, own->shared_parameters(), *method); }),
        HasSubstr("backward: the balancing '" + method->name() + "'"));
    return;
  }
  for (const auto heads :
       {HeadGradients::kAsMethod,
        HeadGradients::kUnweighted,
        HeadGradients::kWeighted}) {
    if (heads == HeadGradients::kWeighted &&
        method->reads() == balancing::Reads::kJacobian) {
      continue;
    }
    const MultiTaskModel trained = make_own_graph_model();
    const MultiTaskModel own = make_own_graph_model();
    auto theirs = make_for_three(GetParam());
    auto ours = make_for_three(GetParam());
    theirs->seed(7);
    ours->seed(7);
    JointTraining joint(
        trained,
        torch::optim::SGDOptions(0.1),
        JointTrainingOptions()
            .route(Route::kAutograd)
            .head_gradients(heads)
            .balancing(*theirs));
    ours->prepare(3);
    auto held = own->unique_parameters();
    for (const auto& parameter : ours->parameters()) {
      held.push_back(parameter);
    }
    torch::optim::SGD sgd(held, 0.1);
    for (uint64_t step = 1; step < 4; ++step) {
      const Batch batch = make_own_graph_batch(step);
      joint.zero_grad();
      const StepReport left = joint.backward(batch);
      sgd.zero_grad();
      const StepReport right = backward(
          losses_of(own, batch),
          own->shared_parameters(),
          *ours,
          BackwardOptions().head_gradients(heads));
      EXPECT_EQ(left.gradients.has_value(), right.gradients.has_value());
      if (left.gradients) {
        EXPECT_TRUE(torch::allclose(
            left.gradients->gramian, right.gradients->gramian, 1e-8, 1e-12));
      }
      auto expected = trained->unique_parameters();
      for (const auto& parameter : joint.balancing()->parameters()) {
        expected.push_back(parameter);
      }
      for (size_t i = 0; i < held.size(); ++i) {
        const auto& found = held[i].grad();
        ASSERT_EQ(expected[i].grad().defined(), found.defined()) << i;
        if (found.defined()) {
          EXPECT_TRUE(torch::allclose(expected[i].grad(), found, 1e-8, 1e-10))
              << i;
        }
      }
      joint.update();
      sgd.step();
      if (ours->wants_losses_after()) {
        const torch::NoGradGuard no_grad;
        ours->observe_after(torch::stack(losses_of(own, batch)));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    OwnGraph,
    ::testing::ValuesIn(balancing::names()),
    [](const auto& each) { return each.param; });

TEST(OwnGraphBackward, OfASumIsAutograds) {
  const MultiTaskModel own = make_own_graph_model();
  const MultiTaskModel plain = make_own_graph_model();
  const Batch batch = make_own_graph_batch(1);
  const auto sum = balancing::make("sum");
  backward(losses_of(own, batch), own->shared_parameters(), *sum);
  torch::stack(losses_of(plain, batch)).sum().backward();
  const auto a = own->unique_parameters();
  const auto b = plain->unique_parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i].grad(), b[i].grad(), 1e-10, 1e-12));
  }
}

TEST(OwnGraphBackward, AddsToWhatIsThere) {
  for (const char* name : {"sum", "upgrad", "config"}) {
    const MultiTaskModel own = make_own_graph_model();
    const auto method = balancing::make(name);
    const auto all = own->unique_parameters();
    const auto once = [&] {
      backward(
          losses_of(own, make_own_graph_batch(1)),
          own->shared_parameters(),
          *method);
    };
    once();
    std::vector<torch::Tensor> first;
    for (const auto& parameter : all) {
      first.push_back(parameter.grad());
    }
    std::vector<torch::Tensor> copies;
    for (const auto& gradient : first) {
      copies.push_back(gradient.clone());
    }
    once();
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(all[i].grad().is_same(first[i]));
      EXPECT_TRUE(torch::allclose(all[i].grad(), 2 * copies[i])) << name;
    }
  }
}

TEST(OwnGraphBackward, LeavesParametersThatNoLossReaches) {
  const MultiTaskModel own = make_own_graph_model();
  auto shared = own->shared_parameters();
  const auto unused = torch::ones({3}, torch::kDouble).requires_grad_();
  shared.push_back(unused);
  for (const char* name : {"sum", "upgrad", "config"}) {
    const auto method = balancing::make(name);
    backward(losses_of(own, make_own_graph_batch(1)), shared, *method);
    EXPECT_FALSE(unused.grad().defined()) << name;
  }
}

TEST(OwnGraphBackward, GivesSparseGradientsToWhatIsNotShared) {
  torch::nn::Embedding table(torch::nn::EmbeddingOptions(10, 8).sparse(true));
  table->to(torch::kDouble);
  const MultiTaskModel own = make_own_graph_model();
  const Batch batch = make_own_graph_batch(1);
  const auto rows = torch::arange(6, torch::kLong);
  for (const char* name : {"uw", "upgrad"}) {
    const auto method = balancing::make(name);
    auto losses = losses_of(own, batch);
    losses.push_back(
        (own->features(batch.inputs())[0].tensor().sum() * table(rows).sum())
            .square());
    table->weight.mutable_grad().reset();
    backward(losses, own->shared_parameters(), *method);
    EXPECT_TRUE(table->weight.grad().is_sparse()) << name;
  }
}

TEST(OwnGraphBackward, KeepsTheGraphWhereAsked) {
  const MultiTaskModel own = make_own_graph_model();
  const auto method = balancing::make("upgrad");
  const auto losses = losses_of(own, make_own_graph_batch(1));
  const auto shared = own->shared_parameters();
  backward(losses, shared, *method, BackwardOptions().retain_graph(true));
  EXPECT_NO_THROW(backward(losses, shared, *method));
  EXPECT_NE(error_of([&] { backward(losses, shared, *method); }), "");
}

TEST(OwnGraphBackward, RefusesByNameAndChangesNothing) {
  const MultiTaskModel own = make_own_graph_model();
  const auto shared = own->shared_parameters();
  const Batch batch = make_own_graph_batch(1);
  const auto refused = [&](std::vector<torch::Tensor> losses,
                           std::vector<torch::Tensor> parameters,
                           const char* name) {
    const auto method = balancing::make(name);
    return error_of([&] { backward(losses, parameters, *method); });
  };
  auto losses = losses_of(own, batch);
  EXPECT_THAT(refused({}, shared, "sum"), HasSubstr("at least one loss"));
  auto bad = losses;
  bad[1] = torch::ones({2}).requires_grad_();
  EXPECT_THAT(refused(bad, shared, "sum"), HasSubstr("loss 1 to be one"));
  bad[1] = losses[1].detach();
  EXPECT_THAT(refused(bad, shared, "sum"), HasSubstr("has no graph"));
  bad[1] = losses[1] * std::nan("");
  EXPECT_THAT(refused(bad, shared, "upgrad"), HasSubstr("loss 1 is nan"));
  bad[1] = losses[1].to(torch::kFloat);
  EXPECT_THAT(refused(bad, shared, "sum"), HasSubstr("of one dtype"));
  auto mixed = shared;
  mixed.push_back(torch::ones({2}).requires_grad_());
  EXPECT_THAT(refused(losses, mixed, "upgrad"), HasSubstr("of one dtype"));
  mixed.back() = shared[0] * 2;
  EXPECT_THAT(refused(losses, mixed, "upgrad"), HasSubstr("no leaf"));
  EXPECT_THAT(refused(losses, {}, "upgrad"), HasSubstr("weighs gradients"));
  const std::vector<torch::Tensor> stale{
      torch::ones({2}, torch::kDouble).requires_grad_()};
  EXPECT_THAT(refused(losses, stale, "upgrad"), HasSubstr("no loss reaches"));
  EXPECT_THAT(refused(losses, stale, "config"), HasSubstr("no loss reaches"));
  EXPECT_THAT(refused(losses, shared, "modo"), HasSubstr("several batches"));
  EXPECT_THAT(refused(losses, shared, "moml"), HasSubstr("several batches"));
  const torch::NoGradGuard no_grad;
  EXPECT_THAT(refused(losses, shared, "sum"), HasSubstr("switched off"));
  for (const auto& parameter : own->unique_parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

} // namespace
} // namespace polytask
