// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/mtan.h>

#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/linear_task.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>
#include <torch/optim/sgd.h>

#include <set>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;
using torch::nn::Linear;
using torch::nn::Sequential;

class CountedPartImpl : public torch::nn::LinearImpl {
 public:
  using LinearImpl::LinearImpl;
  torch::Tensor forward(const torch::Tensor& input) {
    ++calls;
    return LinearImpl::forward(input);
  }
  int calls = 0;
};
TORCH_MODULE(CountedPart);

MTANOptions dense_options() {
  return MTANOptions().features(MTANFeatures::kDense);
}

// 5 -> (4, 3) -> (6, 2).
std::vector<MTANStage> dense_parts() {
  return {
      MTANStage(CountedPart(5, 4), CountedPart(4, 3), 4, 3),
      MTANStage(CountedPart(3, 6), CountedPart(6, 2), 6, 2)};
}

MTAN attending(
    const std::vector<MTANStage>& stages,
    const MTANOptions& options,
    const std::vector<std::string>& tasks = {"a", "b"}) {
  MTAN sharing(stages, options);
  sharing->serve(tasks);
  return sharing;
}

// 2 channels -> 3, then 4 of half the size, rounded up.
std::vector<MTANStage> strided_parts() {
  return {
      MTANStage(
          Conv2d(Conv2dOptions(2, 3, 3).padding(1)),
          Conv2d(Conv2dOptions(3, 3, 1)),
          3,
          3),
      MTANStage(
          Conv2d(Conv2dOptions(3, 5, 3).padding(1).stride(2)),
          Conv2d(Conv2dOptions(5, 4, 1)),
          5,
          4)};
}

TEST(MTAN, AttendsToDenseFeatures) {
  const auto stages = dense_parts();
  auto sharing = attending(stages, dense_options());
  sharing->eval();

  const auto layers = [&](const std::string& name) {
    torch::nn::Module* module = sharing.get();
    std::istringstream parts(name);
    for (std::string part; std::getline(parts, part, '.');) {
      module = module->named_children()[part].get();
    }
    return dynamic_cast<torch::nn::SequentialImpl*>(module);
  };
  const auto x = torch::randn({4, 5});
  const auto p0 = stages[0].first.forward(x);
  const auto u0 = stages[0].second.forward(p0);
  const auto p1 = stages[1].first.forward(u0);
  const auto u1 = stages[1].second.forward(p1);
  const auto z0 = layers("attention.b.0")->forward(p0) * u0;
  const auto moved = layers("blocks.0")->forward(z0);
  EXPECT_EQ(moved.sizes(), (std::vector<int64_t>{4, 2}));
  const auto expected =
      layers("attention.b.1")->forward(torch::cat({p1, moved}, 1)) * u1;
  EXPECT_TRUE(torch::equal(sharing->features_of(x, 1), expected));
  EXPECT_TRUE(torch::equal(sharing->features(x, 2)[1], expected));
}

TEST(MTAN, RunsTheTrunkOnceForAllTasks) {
  const auto stages = dense_parts();
  auto sharing = attending(stages, dense_options(), {"a", "b", "c"});
  sharing->features(torch::randn({4, 5}), 3);
  EXPECT_EQ(stages[0].first.as<CountedPart>()->calls, 1);
  EXPECT_EQ(stages[1].second.as<CountedPart>()->calls, 1);
}

TEST(MTAN, ComputesNothingOfOtherTasks) {
  auto sharing = attending(dense_parts(), dense_options());
  sharing->features_of(torch::randn({4, 5}), 1);
  int64_t counted = 0;
  for (const auto& buffer : sharing->named_buffers()) {
    if (buffer.key().ends_with("num_batches_tracked")) {
      ++counted;
      EXPECT_EQ(
          buffer->item<int64_t>(),
          buffer.key().find("attention.a") == std::string::npos)
          << buffer.key();
    }
  }
  EXPECT_EQ(counted, 9); // four of each attention, one of the block
}

TEST(MTAN, PoolsToTheSizeOfTheNextStage) {
  auto sharing = attending(strided_parts(), MTANOptions());
  for (const int64_t size : {6, 7}) {
    const auto features =
        sharing->features(torch::randn({2, 2, size, size}), 2);
    EXPECT_EQ(
        features[1].sizes(),
        (std::vector<int64_t>{2, 4, (size + 1) / 2, (size + 1) / 2}));
  }
}

TEST(MTAN, HasAsManyHiddenChannelsAsAsked) {
  auto sharing =
      attending(strided_parts(), MTANOptions().attention_channels(7));
  const auto all = sharing->named_parameters();
  EXPECT_EQ(
      all["attention.a.1.0.weight"].sizes(),
      (std::vector<int64_t>{7, 5 + 4, 1, 1}));
  EXPECT_EQ(
      all["attention.a.1.3.weight"].sizes(),
      (std::vector<int64_t>{4, 7, 1, 1}));
}

TEST(MTAN, KeepsAttentionToItsTask) {
  auto sharing = attending(dense_parts(), dense_options());
  std::set<const void*> own;
  for (const auto& parameter : sharing->task_parameters(1)) {
    own.insert(parameter.unsafeGetTensorImpl());
  }
  EXPECT_EQ(own.size(), 16);
  for (const auto& parameter : sharing->named_parameters()) {
    EXPECT_EQ(
        own.contains(parameter->unsafeGetTensorImpl()),
        parameter.key().starts_with("attention.b."));
  }
}

TEST(MTAN, MakesItsLayersLikeTheTrunk) {
  auto stages = dense_parts();
  for (const auto& stage : stages) {
    stage.first.module()->to(torch::kDouble);
    stage.second.module()->to(torch::kDouble);
  }
  auto sharing = attending(stages, dense_options());
  for (const auto& parameter : sharing->parameters()) {
    EXPECT_EQ(parameter.scalar_type(), torch::kDouble);
  }
  EXPECT_EQ(
      sharing->features(torch::randn({4, 5}, torch::kDouble), 2)[0]
          .scalar_type(),
      torch::kDouble);
}

TEST(MTAN, AttendsInASingleStage) {
  auto sharing = attending({dense_parts()[0]}, dense_options());
  EXPECT_EQ(
      sharing->features(torch::randn({4, 5}), 2)[0].sizes(),
      (std::vector<int64_t>{4, 3}));
}

TEST(MTAN, TakesPartsThatWorkInPlace) {
  const auto relu = [] {
    return torch::nn::ReLU(torch::nn::ReLUOptions(true));
  };
  const Linear first(5, 4), second(4, 3);
  auto sharing = attending(
      {MTANStage(first, Sequential(relu(), second), 4, 3),
       MTANStage(Sequential(relu(), Linear(3, 2)), Linear(2, 2), 2, 2)},
      dense_options());
  sharing->eval();
  const auto x = torch::randn({4, 5});
  const auto all = sharing->features(x, 2);
  EXPECT_TRUE(torch::allclose(all[1], sharing->features_of(x, 1)));
  (all[0] + all[1]).sum().backward();
  EXPECT_GT(first->weight.grad().abs().sum().item<double>(), 0);
}

TEST(MTAN, LearnsFromMaps) {
  MultiTaskModel model{MTAN(strided_parts())};
  for (const char* task : {"a", "b"}) {
    model->add_task(
        task,
        Task(
            Sequential(
                torch::nn::AdaptiveAvgPool2d(1),
                torch::nn::Flatten(),
                Linear(4, 1)),
            MSELoss()));
  }
  const auto x = torch::randn({16, 2, 6, 6});
  const auto means = x.mean({2, 3});
  const Batch batch(
      x, {{"a", means.narrow(1, 0, 1) * 5}, {"b", means.narrow(1, 1, 1) * 5}});
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  const double first = joint.step(batch).losses.sum().item<double>();
  joint.run(batch, 80);
  EXPECT_LT(joint.step(batch).losses.sum().item<double>(), 0.8 * first);
}

TEST(MTAN, ClonesItsBlocks) {
  const MTAN sharing = attending(strided_parts(), MTANOptions());
  const auto copy = std::dynamic_pointer_cast<MTANImpl>(sharing->clone());
  ASSERT_EQ(
      copy->named_parameters().keys(), sharing->named_parameters().keys());
  const auto x = torch::randn({2, 2, 6, 6});
  const auto before = copy->features_of(x, 1);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : sharing->parameters()) {
      parameter.zero_();
    }
  }
  EXPECT_TRUE(torch::equal(copy->features_of(x, 1), before));
}

TEST(MTAN, NamesAnOptionOutOfItsRange) {
  EXPECT_TRUE(says(
      error_of([] { MTAN sharing(std::vector<MTANStage>{}); }),
      {"MTAN", "at least one stage"}));
  EXPECT_TRUE(says(
      error_of([] {
        MTAN(std::vector<MTANStage>{
            MTANStage(Linear(2, 2), Linear(2, 2), 2, 0)});
      }),
      {"MTAN", "stage 0", "at least 1 channel", "2 and 0"}));
  EXPECT_TRUE(says(
      error_of(
          [] { MTAN(dense_parts(), dense_options().attention_channels(-1)); }),
      {"MTAN", "attention_channels", "-1"}));
}

TEST(MTAN, NamesThePartThatIsNotWhatItsStageSays) {
  auto wide =
      attending({MTANStage(Linear(5, 4), Linear(4, 3), 4, 2)}, dense_options());
  EXPECT_TRUE(says(
      error_of([&] { wide->features(torch::randn({4, 5}), 2); }),
      {"second part of stage 0", "[B, 2]", "[4, 3]"}));
  auto maps = attending(dense_parts(), MTANOptions());
  EXPECT_TRUE(says(
      error_of([&] { maps->features_of(torch::randn({4, 5}), 0); }),
      {"first part of stage 0", "[B, 4, H, W]", "[4, 4]"}));
  auto shrinking = attending(
      {MTANStage(
          Conv2d(Conv2dOptions(2, 3, 1)),
          Conv2d(Conv2dOptions(3, 3, 3)),
          3,
          3)},
      MTANOptions());
  EXPECT_TRUE(says(
      error_of([&] { shrinking->features(torch::randn({1, 2, 5, 5}), 2); }),
      {"stage 0", "same size", "[1, 3, 5, 5]", "[1, 3, 3, 3]"}));
}

TEST(MTAN, PrintsItsStages) {
  std::ostringstream text;
  MTAN(dense_parts(), dense_options())->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::MTAN(stages=2)");
}

} // namespace
} // namespace polytask
