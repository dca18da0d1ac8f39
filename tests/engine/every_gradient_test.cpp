// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/balanced.h"
#include "tests/support/networks.h"

// Gradients that pass neither through the features nor into a head: whatever
// autograd would send somewhere arrives there, with any balancing.

namespace polytask {
namespace {

using testing::GramianProbe;
using testing::JacobianProbe;
using torch::nn::Linear;

// A head that also reads a weight of the trunk, which it has not registered.
class PeekingHeadImpl : public torch::nn::Module {
 public:
  PeekingHeadImpl(int64_t width, torch::Tensor peeked)
      : linear(register_module("linear", Linear(width, 1))),
        peeked_(std::move(peeked)) {}
  torch::Tensor forward(const torch::Tensor& input) {
    return linear(input) * peeked_.square().mean();
  }
  Linear linear{nullptr};

 private:
  torch::Tensor peeked_;
};
TORCH_MODULE(PeekingHead);

struct StrayJob {
  explicit StrayJob(bool is_known) {
    torch::manual_seed(31);
    first = Linear(4, 6);
    if (is_known) {
      model = MultiTaskModel{
          HardSharing(torch::nn::Sequential(first, torch::nn::Tanh()))};
    } else {
      testing::TanhTrunk trunk(4, 6);
      first->weight = trunk->weight;
      first->bias = trunk->bias;
      model = MultiTaskModel{HardSharing(trunk)};
    }
    x = torch::randn({8, 4});
    y = torch::randn({8, 1});
    s = torch::full({1}, 0.3, torch::requires_grad());
  }

  Batch batch() const {
    Batch::Targets targets;
    for (const auto& name : model->task_names()) {
      targets.emplace_back(name, y);
    }
    return Batch(x, targets);
  }
  // The optimizer holds the loss's own parameter too.
  std::vector<torch::Tensor> held() const {
    auto all = model->unique_parameters();
    all.push_back(s);
    return all;
  }
  // Of the tasks that a probe weighs, the gradients for what they share get
  // its weights, and all else none or the same.
  std::vector<torch::Tensor> expected(bool weighs_heads) const {
    const auto weights =
        GramianProbe::weights_of(static_cast<int64_t>(model->size()));
    auto leaves = held();
    const size_t count = leaves.size();
    if (x.requires_grad()) {
      leaves.push_back(x);
    }
    const auto shared = model->shared_parameters();
    std::vector<torch::Tensor> sums(leaves.size());
    for (int64_t t = 0; t < model->size(); ++t) {
      const auto features = model->features(x);
      const auto loss =
          model->loss(t, features[static_cast<size_t>(t)], Labels(y));
      const auto gradients = torch::autograd::grad(
          {loss * model->task(t).weight()}, leaves, {}, {}, false, true);
      for (size_t i = 0; i < leaves.size(); ++i) {
        if (!gradients[i].defined()) {
          continue;
        }
        const bool in_common = i < count && i < shared.size();
        const double factor =
            in_common || weighs_heads ? weights[static_cast<size_t>(t)] : 1.0;
        sums[i] = sums[i].defined() ? sums[i] + gradients[i] * factor
                                    : gradients[i] * factor;
      }
    }
    return sums;
  }
  std::vector<torch::Tensor> found() const {
    std::vector<torch::Tensor> all;
    for (const auto& parameter : held()) {
      all.push_back(parameter.grad());
    }
    if (x.requires_grad()) {
      all.push_back(x.grad());
    }
    return all;
  }

  Linear first{nullptr};
  MultiTaskModel model;
  torch::Tensor x;
  torch::Tensor y;
  torch::Tensor s;
};

struct StrayKind {
  std::string name;
  std::function<void(StrayJob&)> build;
};

std::ostream& operator<<(std::ostream& stream, const StrayKind& kind) {
  return stream << kind.name;
}

void add_plain(StrayJob& job) {
  job.model->add_task("plain", Task(Linear(6, 1), MSELoss()).weight(0.7));
}

Loss learned_scale(const torch::Tensor& s) {
  return [s](const torch::Tensor& output, const torch::Tensor& target) {
    return (torch::exp(-s) * torch::mse_loss(output, target) + s).squeeze();
  };
}

std::vector<StrayKind> stray_kinds() {
  return {
      {"OwnParameterOfALoss",
       [](StrayJob& job) {
         job.model->add_task("a", Task(Linear(6, 1), learned_scale(job.s)));
         add_plain(job);
       }},
      {"ParameterOfTwoLosses",
       [](StrayJob& job) {
         job.model->add_task("a", Task(Linear(6, 1), learned_scale(job.s)));
         job.model->add_task(
             "b", Task(Linear(6, 1), learned_scale(job.s)).weight(0.4));
         add_plain(job);
       }},
      {"PenaltyOnATrunksWeight",
       [](StrayJob& job) {
         const auto weight = job.first->weight;
         job.model->add_task(
             "a",
             Task(
                 Linear(6, 1),
                 [weight](const torch::Tensor& o, const torch::Tensor& t) {
                   return torch::mse_loss(o, t) + 3 * weight.abs().sum();
                 })
                 .weight(0.6));
         add_plain(job);
       }},
      {"HeadThatReadsATrunksWeight",
       [](StrayJob& job) {
         job.model->add_task(
             "a", Task(PeekingHead(6, job.first->weight), MSELoss()));
         add_plain(job);
       }},
      {"InputThatLearns", [](StrayJob& job) {
         job.x.requires_grad_();
         job.model->add_task("a", Task(Linear(6, 1), learned_scale(job.s)));
         add_plain(job);
       }}};
}

void expect_gradients(const StrayJob& job, bool weighs_heads) {
  const auto expected = job.expected(weighs_heads);
  const auto found = job.found();
  ASSERT_EQ(expected.size(), found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(expected[i].defined(), found[i].defined()) << i;
    if (found[i].defined()) {
      EXPECT_TRUE(torch::allclose(expected[i], found[i], 1e-5, 1e-6))
          << i << '\n'
          << expected[i] << '\n'
          << found[i];
    }
  }
}

class EveryGradient
    : public ::testing::TestWithParam<std::tuple<StrayKind, bool, Route>> {
 protected:
  // Two backwards in turn, so that nothing is left over from the first.
  template <typename Method>
  static void expect_arrives(const Method& method, HeadGradients heads) {
    const auto& [kind, is_known, route] = GetParam();
    StrayJob job(is_known);
    kind.build(job);
    torch::optim::SGD users(job.held(), 0.01);
    JointTraining joint(
        job.model,
        users,
        JointTrainingOptions().route(route).head_gradients(heads).balancing(
            method));
    for (int step = 0; step < 2; ++step) {
      joint.zero_grad();
      if (job.x.requires_grad()) {
        job.x.mutable_grad().reset();
      }
      joint.backward(job.batch());
      expect_gradients(job, heads == HeadGradients::kWeighted);
      joint.update();
    }
  }
};

TEST_P(EveryGradient, ArrivesWithAMethodThatReadsTheGramian) {
  expect_arrives(GramianProbe(), HeadGradients::kAsMethod);
}

TEST_P(EveryGradient, ArrivesByItsWeightWhereHeadsAreWeighted) {
  expect_arrives(GramianProbe(), HeadGradients::kWeighted);
}

TEST_P(EveryGradient, ArrivesWithAMethodThatReadsTheJacobian) {
  expect_arrives(JacobianProbe(), HeadGradients::kAsMethod);
}

// What a plain step gives, `sum` gives.
TEST_P(EveryGradient, OfASumIsThatOfAPlainStep) {
  const auto& [kind, is_known, route] = GetParam();
  StrayJob plain(is_known);
  StrayJob summed(is_known);
  kind.build(plain);
  torch::manual_seed(31);
  {
    StrayJob twin(is_known);
    kind.build(twin);
    summed = twin;
  }
  const auto from = plain.held();
  const auto to = summed.held();
  for (size_t i = 0; i < from.size(); ++i) {
    const torch::NoGradGuard no_grad;
    torch::Tensor(to[i]).copy_(from[i]);
  }
  torch::optim::SGD a(plain.held(), 0.01);
  torch::optim::SGD b(summed.held(), 0.01);
  JointTraining left(plain.model, a);
  JointTraining right(
      summed.model,
      b,
      JointTrainingOptions()
          .route(route == Route::kLayerJacobian ? Route::kLayers : route)
          .balancing(balancing::make("sum")));
  for (int step = 0; step < 10; ++step) {
    left.step(plain.batch());
    right.step(summed.batch());
  }
  const auto first = plain.held();
  const auto second = summed.held();
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(torch::allclose(first[i], second[i], 1e-5, 1e-6)) << i;
  }
  if (plain.x.requires_grad()) {
    EXPECT_TRUE(torch::allclose(plain.x.grad(), summed.x.grad(), 1e-5, 1e-6));
  }
}

bool is_possible(const StrayKind& kind, bool is_known, Route route) {
  return route != Route::kLayerJacobian ||
      (is_known && kind.name != "InputThatLearns");
}

std::vector<std::tuple<StrayKind, bool, Route>> stray_cases() {
  std::vector<std::tuple<StrayKind, bool, Route>> cases;
  for (const auto& kind : stray_kinds()) {
    for (const bool is_known : {true, false}) {
      for (const Route route :
           {Route::kAuto, Route::kAutograd, Route::kLayerJacobian}) {
        if (is_possible(kind, is_known, route)) {
          cases.emplace_back(kind, is_known, route);
        }
      }
    }
  }
  return cases;
}

std::string name_of_stray(
    const ::testing::TestParamInfo<EveryGradient::ParamType>& each) {
  const auto& [kind, is_known, route] = each.param;
  return kind.name + (is_known ? "Layers" : "Unknown") +
      (route == Route::kAuto           ? "Auto"
           : route == Route::kAutograd ? "Autograd"
                                       : "LayerJacobian");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryGradient, ::testing::ValuesIn(stray_cases()), name_of_stray);

} // namespace
} // namespace polytask
