// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::same_bits;
using testing::snapshot;

torch::nn::Sequential head_with(bool in_place) {
  return torch::nn::Sequential(
      torch::nn::ReLU(torch::nn::ReLUOptions(in_place)),
      torch::nn::Linear(4, 1));
}

// Two tasks with heads that begin with a ReLU, in place or not.
MultiTaskModel model_with_relus(bool shares, bool in_place) {
  torch::manual_seed(3);
  MultiTaskModel model;
  if (shares) {
    model = MultiTaskModel{HardSharing(torch::nn::Linear(4, 4))};
  }
  model->add_task("a", Task(head_with(in_place), MSELoss()));
  model->add_task("b", Task(head_with(in_place), MSELoss()));
  return model;
}

Batch relu_batch() {
  torch::manual_seed(4);
  return Batch(
      torch::randn({8, 4}),
      {{"a", torch::randn({8, 1})}, {"b", torch::randn({8, 1})}});
}

using Steps = void (*)(const MultiTaskModel&, const Batch&);

void joint_steps(const MultiTaskModel& model, const Batch& batch) {
  JointTraining(model, torch::optim::SGDOptions(0.1)).run(batch, 3);
}

void alternating_steps(const MultiTaskModel& model, const Batch& batch) {
  AlternatingTraining(model, torch::optim::SGDOptions(0.1)).run(batch, 4);
}

template <const char* const& kMethod, Route kRoute>
void balanced_steps(const MultiTaskModel& model, const Batch& batch) {
  JointTraining(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().route(kRoute).balancing(balancing::make(kMethod)))
      .run(batch, 3);
}

constexpr const char* kPCGrad = "pcgrad";
constexpr const char* kGradDrop = "graddrop";
constexpr const char* kSum = "sum";
constexpr const char* kFAMO = "famo";

struct InPlaceCase {
  const char* name;
  bool shares;
  Steps steps;
};

class InPlaceHeads : public ::testing::TestWithParam<InPlaceCase> {};

TEST_P(InPlaceHeads, TrainAsTheSameHeadsThatCopy) {
  const auto copying = model_with_relus(GetParam().shares, false);
  const auto writing = model_with_relus(GetParam().shares, true);
  const Batch batch = relu_batch();
  const auto x = batch.input().clone();
  GetParam().steps(copying, batch);
  GetParam().steps(writing, batch);
  EXPECT_TRUE(torch::equal(batch.input(), x));
  const auto a = snapshot(copying);
  const auto b = snapshot(writing);
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Routes,
    InPlaceHeads,
    ::testing::Values(
        InPlaceCase{"JointUnshared", false, joint_steps},
        InPlaceCase{"JointShared", true, joint_steps},
        InPlaceCase{"AlternatingUnshared", false, alternating_steps},
        InPlaceCase{"AlternatingShared", true, alternating_steps},
        InPlaceCase{
            "SumUnshared", false, balanced_steps<kSum, Route::kAutograd>},
        InPlaceCase{
            "PCGradLayers", true, balanced_steps<kPCGrad, Route::kAuto>},
        InPlaceCase{
            "PCGradAutograd", true, balanced_steps<kPCGrad, Route::kAutograd>},
        InPlaceCase{
            "PCGradBatched",
            true,
            balanced_steps<kPCGrad, Route::kBatchedJacobian>},
        InPlaceCase{
            "PCGradLayerJacobian",
            true,
            balanced_steps<kPCGrad, Route::kLayerJacobian>},
        InPlaceCase{
            "PCGradLayerGramian",
            true,
            balanced_steps<kPCGrad, Route::kLayerGramian>},
        InPlaceCase{
            "PCGradStreamed",
            true,
            balanced_steps<kPCGrad, Route::kStreamedGramian>},
        InPlaceCase{
            "PCGradFeatures",
            true,
            balanced_steps<kPCGrad, Route::kFeatureGradients>},
        InPlaceCase{"SumLayers", true, balanced_steps<kSum, Route::kLayers>},
        InPlaceCase{"FAMO", true, balanced_steps<kFAMO, Route::kAuto>},
        InPlaceCase{
            "FAMOAutograd", true, balanced_steps<kFAMO, Route::kAutograd>},
        InPlaceCase{
            "GradDropBatched",
            true,
            balanced_steps<kGradDrop, Route::kBatchedJacobian>}),
    [](const auto& each) { return each.param.name; });

TEST(InPlaceHead, LeavesTheOtherTasksOutputs) {
  for (const bool shares : {false, true}) {
    auto model = model_with_relus(shares, true);
    const auto x = torch::randn({8, 4});
    const auto before = x.clone();
    for (int call = 0; call < 2; ++call) {
      auto all = model->forward(x);
      EXPECT_TRUE(torch::equal(all["b"], model->forward_task(x, "b")));
      EXPECT_TRUE(torch::equal(all["a"], model->forward_task(x, "a")));
    }
    EXPECT_TRUE(torch::equal(x, before));
  }
}

} // namespace
} // namespace polytask
