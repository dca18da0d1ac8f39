// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/soft_sharing.h>

#include <ATen/ops/linalg_svdvals.h>
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <limits>
#include <set>
#include <sstream>

#include "sharing/distances.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using torch::nn::Linear;

Network linear_trunk() {
  return Linear(3, 2);
}

SoftSharing soft_sharing_of(
    const SoftSharingOptions& options,
    const std::vector<std::string>& tasks = {"a", "b", "c"}) {
  SoftSharing sharing(linear_trunk, options);
  sharing->serve(tasks);
  sharing->to(torch::kDouble);
  return sharing;
}

torch::Tensor all_of(const SoftSharing& sharing, int64_t task) {
  const auto own = sharing->trunk(task).as<Linear>();
  return torch::cat({own->weight.flatten(), own->bias});
}

double held_loss(SoftSharing& sharing, std::vector<int64_t> tasks) {
  return sharing->own_loss(tasks).item<double>();
}

// Central differences of what `value` makes of x.
template <typename Value>
torch::Tensor differences(const torch::Tensor& x, const Value& value) {
  const double step = 1e-6;
  torch::Tensor gradient = torch::zeros_like(x);
  auto at = gradient.accessor<double, 2>();
  for (int64_t i = 0; i < x.size(0); ++i) {
    for (int64_t j = 0; j < x.size(1); ++j) {
      torch::Tensor up = x.detach().clone(), down = up.clone();
      up[i][j] += step;
      down[i][j] -= step;
      at[i][j] = (value(up) - value(down)).template item<double>() / (2 * step);
    }
  }
  return gradient;
}

torch::Tensor singular_sum(const torch::Tensor& x) {
  return at::linalg_svdvals(x).sum();
}

TEST(SoftSharing, SumsTheSquaredDistancesOfAllPairs) {
  auto sharing = soft_sharing_of(SoftSharingOptions().weight(0.3));
  double sum = 0;
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      sum += (all_of(sharing, i) - all_of(sharing, j))
                 .square()
                 .sum()
                 .item<double>();
    }
  }
  EXPECT_NEAR(held_loss(sharing, {0, 1, 2}), 0.3 * sum, 1e-12);
}

TEST(SoftSharing, CountsPairsWithATaskThatTakesPart) {
  auto sharing =
      soft_sharing_of(SoftSharingOptions().weight(1), {"a", "b", "c", "d"});
  double sum = 0;
  for (const auto& [i, j] : std::vector<std::pair<int64_t, int64_t>>{
           {0, 1}, {0, 2}, {0, 3}, {1, 2}, {2, 3}}) { // all but b and d
    sum +=
        (all_of(sharing, i) - all_of(sharing, j)).square().sum().item<double>();
  }
  EXPECT_NEAR(held_loss(sharing, {2, 0}), sum, 1e-12);
}

TEST(SoftSharing, SumsTheSingularValuesOfEachParameter) {
  auto sharing = soft_sharing_of(SoftSharingOptions().weight(0.5).distance(
      SoftSharingDistance::kTraceNorm));
  double sum = 0;
  for (const char* name : {"weight", "bias"}) {
    std::vector<torch::Tensor> rows;
    for (int64_t t = 0; t < 3; ++t) {
      rows.push_back(sharing->trunk(t)
                         .module()
                         ->named_parameters()[name]
                         .detach()
                         .flatten());
    }
    sum += singular_sum(torch::stack(rows)).item<double>();
  }
  EXPECT_NEAR(held_loss(sharing, {0, 1, 2}), 0.5 * sum, 1e-12);
}

class SoftSharingDistances
    : public ::testing::TestWithParam<SoftSharingDistance> {};

TEST_P(SoftSharingDistances, MoveOnlyTrunksOfTasksThatTakePart) {
  auto sharing =
      soft_sharing_of(SoftSharingOptions().weight(1).distance(GetParam()));
  const auto parameters = sharing->parameters();
  const auto gradients = torch::autograd::grad(
      {sharing->own_loss({1})}, parameters, {}, {}, false, true);
  std::set<const void*> own;
  for (const auto& each : sharing->used_parameters(1)) {
    own.insert(each.unsafeGetTensorImpl());
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_EQ(
        gradients[i].defined(),
        own.contains(parameters[i].unsafeGetTensorImpl()));
  }
}

TEST_P(SoftSharingDistances, HaveTheirGradient) {
  auto sharing =
      soft_sharing_of(SoftSharingOptions().weight(0.7).distance(GetParam()));
  const auto weight = sharing->trunk(1).as<Linear>()->weight;
  const auto analytic =
      torch::autograd::grad({sharing->own_loss({1, 2})}, {weight})[0];
  const torch::Tensor before = weight.detach().clone();
  const auto numeric = differences(weight, [&](const torch::Tensor& other) {
    const torch::NoGradGuard no_grad;
    weight.copy_(other);
    torch::Tensor value = sharing->own_loss({1, 2});
    weight.copy_(before);
    return value;
  });
  EXPECT_TRUE(torch::allclose(analytic, numeric, 1e-6, 1e-7));
}

TEST_P(SoftSharingDistances, AreFiniteForTrunksThatAreEqual) {
  auto sharing =
      soft_sharing_of(SoftSharingOptions().weight(1).distance(GetParam()));
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : sharing->parameters()) {
      parameter.fill_(0.25);
    }
  }
  sharing->own_loss({0, 1, 2}).backward();
  for (const auto& parameter : sharing->parameters()) {
    EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>());
  }
}

// Of the trunks of two tasks that pull apart, after a training.
double distance_after_training(SoftSharingDistance distance, double weight) {
  torch::manual_seed(3);
  MultiTaskModel model(SoftSharing(
      linear_trunk, SoftSharingOptions().weight(weight).distance(distance)));
  model->add_task("a", LinearTask(2, 1));
  model->add_task("b", LinearTask(2, 1));
  JointTraining joint(model, torch::optim::SGDOptions(0.05));
  const auto x = torch::randn({8, 3});
  const Batch batch(x, {{"a", x.sum(1, true)}, {"b", -x.sum(1, true)}});
  joint.run(batch, 50);
  return joint.step(batch).sharing_loss.item<double>() / weight;
}

TEST_P(SoftSharingDistances, AreLessAfterATrainingThatWeighsThem) {
  EXPECT_LT(
      distance_after_training(GetParam(), 0.1),
      0.9 * distance_after_training(GetParam(), 1e-9));
}

INSTANTIATE_TEST_SUITE_P(
    Both,
    SoftSharingDistances,
    ::testing::Values(
        SoftSharingDistance::kL2, SoftSharingDistance::kTraceNorm));

TEST(SoftSharing, HasASubgradientWhereSingularValuesAreZero) {
  // Differences to both sides cancel what the norm's kink adds.
  const auto rank_one = torch::randn({4, 1}, torch::kDouble)
                            .matmul(torch::randn({1, 6}, torch::kDouble))
                            .requires_grad_();
  const auto gradient =
      torch::autograd::grad({detail::trace_norm(rank_one)}, {rank_one})[0];
  EXPECT_TRUE(torch::allclose(
      gradient, differences(rank_one, singular_sum), 1e-6, 1e-6));
  EXPECT_NEAR(gradient.norm().item<double>(), 1, 1e-9); // U Vᵀ of rank 1
}

TEST(SoftSharing, HasNoGradientWhereEveryTrunkIsZero) {
  const auto zero = torch::zeros({3, 4}, torch::kDouble).requires_grad_();
  const auto norm = detail::trace_norm(zero);
  EXPECT_EQ(norm.item<double>(), 0);
  EXPECT_TRUE(torch::equal(
      torch::autograd::grad({norm}, {zero})[0], torch::zeros_like(zero)));
}

TEST(SoftSharing, DecomposesTallMatricesToo) {
  const auto tall = torch::randn({7, 2}, torch::kDouble).requires_grad_();
  const auto norm = detail::trace_norm(tall);
  EXPECT_NEAR(
      norm.item<double>(), singular_sum(tall.detach()).item<double>(), 1e-12);
  EXPECT_TRUE(torch::allclose(
      torch::autograd::grad({norm}, {tall})[0],
      differences(tall, singular_sum),
      1e-6,
      1e-7));
}

TEST(SoftSharing, HasALossInHalfPrecision) {
  auto sharing = soft_sharing_of(
      SoftSharingOptions().weight(1).distance(SoftSharingDistance::kTraceNorm));
  sharing->to(torch::kBFloat16);
  const auto loss = sharing->own_loss({0, 1, 2});
  EXPECT_EQ(loss.scalar_type(), torch::kFloat);
  loss.backward();
  EXPECT_TRUE(sharing->parameters()[0].grad().isfinite().all().item<bool>());
}

TEST(SoftSharing, HoldsTogetherWhatWasChosen) {
  SoftSharing sharing(
      [] {
        return torch::nn::Sequential(
            Linear(3, 3), torch::nn::Tanh(), Linear(3, 2));
      },
      SoftSharingOptions().weight(1).only({"2"}).biases(false));
  sharing->serve({"a", "b"});
  sharing->own_loss({0, 1}).backward();
  for (const auto& parameter : sharing->named_parameters()) {
    EXPECT_EQ(
        parameter->grad().defined(), parameter.key().ends_with("2.weight"))
        << parameter.key();
  }
}

TEST(SoftSharing, HasNoLossWhereThereIsNothingToHold) {
  EXPECT_FALSE(soft_sharing_of(SoftSharingOptions().weight(0))
                   ->own_loss({0, 1})
                   .defined());
  EXPECT_FALSE(
      soft_sharing_of(SoftSharingOptions(), {"a"})->own_loss({0}).defined());
  EXPECT_FALSE(soft_sharing_of(SoftSharingOptions())->own_loss({}).defined());
  auto sharing = soft_sharing_of(SoftSharingOptions());
  sharing->eval();
  EXPECT_FALSE(sharing->own_loss({0, 1, 2}).defined());
}

TEST(SoftSharing, SaysWhoseTheTrunksAre) {
  EXPECT_TRUE(
      soft_sharing_of(SoftSharingOptions())->task_parameters(1).empty());
  const auto own =
      soft_sharing_of(SoftSharingOptions().trunks_are_shared(false));
  EXPECT_EQ(own->task_parameters(1).size(), 2);
  EXPECT_TRUE(
      own->task_parameters(1)[0].is_same(own->trunk(1).as<Linear>()->weight));
}

TEST(SoftSharing, TrainsOneTaskAtATime) {
  MultiTaskModel model(
      SoftSharing(linear_trunk, SoftSharingOptions().weight(1)));
  model->add_task("a", LinearTask(2, 1));
  model->add_task("b", LinearTask(2, 1));
  auto& sharing = dynamic_cast<SoftSharingImpl&>(model->sharing());
  AlternatingTraining training(model, torch::optim::SGDOptions(0.1));
  const auto other = sharing.trunk(1).as<Linear>()->weight;
  const auto before = other.detach().clone();
  const auto x = torch::randn({4, 3});
  const auto report = training.step(Batch(x, {{"a", x.narrow(1, 0, 1)}}));
  EXPECT_GT(report.sharing_loss.item<double>(), 0);
  EXPECT_TRUE(torch::equal(other, before));
}

TEST(SoftSharing, NamesAnOptionOutOfItsRange) {
  for (const double weight : std::vector<double>{-1, std::nan(""), INFINITY}) {
    EXPECT_TRUE(says(
        error_of([&] {
          SoftSharing(linear_trunk, SoftSharingOptions().weight(weight));
        }),
        {"SoftSharing", "weight"}));
  }
  EXPECT_TRUE(says(
      error_of([] { SoftSharing(std::function<Network()>()); }),
      {"SoftSharing", "factory of the trunk is empty"}));
  SoftSharing sharing(linear_trunk, SoftSharingOptions().only({"wait"}));
  EXPECT_TRUE(says(
      error_of([&] { sharing->serve({"a"}); }),
      {"SoftSharing", "'wait'", "'weight', 'bias'"}));
  EXPECT_TRUE(sharing->tasks().empty());
}

TEST(SoftSharing, RefusesTrunksThatAreNotAlike) {
  SoftSharing wider([width = 1]() mutable { return Linear(3, ++width); });
  wider->serve({"a"});
  EXPECT_TRUE(says(
      error_of([&] { wider->serve({"a", "b"}); }),
      {"'weight'", "task 'b'", "[2, 3]", "[3, 3]"}));
  SoftSharing other([bias = false]() mutable {
    bias = !bias;
    return Linear(torch::nn::LinearOptions(3, 2).bias(bias));
  });
  other->serve({"a"});
  EXPECT_TRUE(says(
      error_of([&] { other->serve({"a", "b"}); }),
      {"task 'b'", "'weight', 'bias'", "it has 'weight'."}));
  EXPECT_EQ(other->features(torch::randn({2, 3}), 1).size(), 1);
  const Linear one(3, 2);
  SoftSharing same([one] { return one; });
  same->serve({"a"});
  EXPECT_TRUE(says(
      error_of([&] { same->serve({"a", "b"}); }),
      {"SoftSharing", "the trunk", "task 'b'"}));
}

TEST(SoftSharing, NamesTheParameterThatIsNotFinite) {
  auto sharing = soft_sharing_of(
      SoftSharingOptions().weight(1).distance(SoftSharingDistance::kTraceNorm));
  {
    const torch::NoGradGuard no_grad;
    sharing->trunk(1).as<Linear>()->bias.fill_(std::nan(""));
  }
  EXPECT_TRUE(says(
      error_of([&] { sharing->own_loss({0}); }), {"SoftSharing", "'bias'"}));
}

TEST(SoftSharing, PrintsItsName) {
  std::ostringstream text;
  soft_sharing_of(SoftSharingOptions())->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::SoftSharing()");
}

} // namespace
} // namespace polytask
