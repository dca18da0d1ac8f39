// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/functional/embedding.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

// Embeddings whose gradients are sparse.

namespace polytask {
namespace {

using testing::error_of;
using testing::same_bits;
using testing::says;
using testing::snapshot;
using torch::optim::SGDOptions;

// What the engine cannot know before it has a gradient.
class OwnEmbeddingImpl : public torch::nn::Cloneable<OwnEmbeddingImpl> {
 public:
  OwnEmbeddingImpl() {
    OwnEmbeddingImpl::reset();
  }
  void reset() override {
    scale = register_parameter("scale", torch::ones({4}));
    weight = register_parameter("weight", torch::randn({10, 4}));
  }
  torch::Tensor forward(const torch::Tensor& ids) {
    return scale *
        torch::embedding(
               weight,
               ids,
               /*padding_idx=*/-1,
               /*scale_grad_by_freq=*/false,
               /*sparse=*/true);
  }
  torch::Tensor scale, weight;
};
TORCH_MODULE(OwnEmbedding);

MultiTaskModel embedding_model(bool own) {
  torch::manual_seed(2);
  MultiTaskModel model = own
      ? MultiTaskModel{HardSharing(OwnEmbedding())}
      : MultiTaskModel{HardSharing(torch::nn::Sequential(torch::nn::Embedding(
            torch::nn::EmbeddingOptions(10, 4).sparse(true))))};
  model->add_task("a", LinearTask(4, 1));
  model->add_task("b", LinearTask(4, 1));
  return model;
}

Batch embedding_batch() {
  const auto ids = torch::tensor({1, 2, 2, 7});
  const auto y = torch::tensor({1., 2., 3., 4.}, torch::kFloat).unsqueeze(1);
  return Batch(ids, {{"a", y}, {"b", -y}});
}

struct SparseCase {
  std::string name;
  std::function<void(const MultiTaskModel&)> train;
  std::string why;
};

std::ostream& operator<<(std::ostream& stream, const SparseCase& each) {
  return stream << each.name;
}

template <typename Optimizer>
SparseCase joint_sparse(
    const std::string& name,
    const Optimizer& optimizer,
    const std::string& why,
    const JointTrainingOptions& options = {}) {
  return {
      name,
      [=](const MultiTaskModel& model) {
        JointTraining(model, optimizer, options).step(embedding_batch());
      },
      why};
}

JointTrainingOptions balanced_by(const std::string& method) {
  return JointTrainingOptions().balancing(balancing::make(method));
}

std::vector<SparseCase> sparse_cases() {
  using namespace torch::optim;
  return {
      joint_sparse("Adam", AdamOptions(0.1), "the optimizer 'Adam' takes none"),
      joint_sparse("AdamW", AdamWOptions(0.1), "the optimizer 'AdamW'"),
      joint_sparse("RMSprop", RMSpropOptions(0.1), "the optimizer 'RMSprop'"),
      joint_sparse(
          "Decay",
          SGDOptions(0.1).weight_decay(0.1),
          "weight decay takes none"),
      joint_sparse(
          "AdagradDecay",
          AdagradOptions(0.1).weight_decay(0.1),
          "weight decay takes none"),
      joint_sparse(
          "RowWiseAdagradDecay",
          optim::RowWiseAdagradOptions(0.1).weight_decay(0.1),
          "weight decay takes none"),
      joint_sparse(
          "ClippedNorm",
          SGDOptions(0.1),
          "clipping takes none",
          JointTrainingOptions().clipping(Clipping::by_norm(1))),
      joint_sparse("PCGrad", SGDOptions(0.1), "balanc", balanced_by("pcgrad")),
      joint_sparse("UW", SGDOptions(0.1), "balanc", balanced_by("uw")),
      joint_sparse(
          "GradDrop", SGDOptions(0.1), "balanc", balanced_by("graddrop")),
      {"RunOfAdam",
       [](const MultiTaskModel& model) {
         JointTraining(model, AdamOptions(0.1)).run(embedding_batch(), 3);
       },
       "the optimizer 'Adam' takes none"},
      {"UsersAdam",
       [](const MultiTaskModel& model) {
         Adam own(model->unique_parameters(), AdamOptions(0.1));
         JointTraining(model, own).step(embedding_batch());
       },
       "the optimizer 'Adam' takes none"},
      {"RunOfUsersAdam",
       [](const MultiTaskModel& model) {
         Adam own(model->unique_parameters(), AdamOptions(0.1));
         AlternatingTraining(model, own).run(embedding_batch(), 3);
       },
       "the optimizer 'Adam' takes none"},
      {"AlternatingAdam",
       [](const MultiTaskModel& model) {
         AlternatingTraining(model, AdamOptions(0.1)).step(embedding_batch());
       },
       "the optimizer 'Adam' takes none"}};
}

class SparseGradients
    : public ::testing::TestWithParam<std::tuple<SparseCase, bool>> {};

TEST_P(SparseGradients, AreRefusedByNameBeforeAnythingMoves) {
  const auto& [each, own] = GetParam();
  const MultiTaskModel model = embedding_model(own);
  const auto before = snapshot(model);
  EXPECT_TRUE(says(
      error_of([&] { each.train(model); }),
      {"training: ", "sparse", each.why, own ? "[10, 4]" : "sharing"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

INSTANTIATE_TEST_SUITE_P(
    Steps,
    SparseGradients,
    ::testing::Combine(::testing::ValuesIn(sparse_cases()), ::testing::Bool()),
    [](const auto& each) {
      return std::get<0>(each.param).name +
          (std::get<1>(each.param) ? "OwnModule" : "Embedding");
    });

template <typename Optimizer>
void expect_trains_sparse(const Optimizer& optimizer) {
  const MultiTaskModel model = embedding_model(/*own=*/false);
  const auto before = snapshot(model);
  JointTraining joint(model, optimizer);
  joint.run(embedding_batch(), 3);
  EXPECT_FALSE(torch::equal(before[0], snapshot(model)[0]));
  EXPECT_TRUE(torch::equal(before[0][5], snapshot(model)[0][5]));
}

TEST(SparseGradientsOf, AreTakenByPlainSGD) {
  expect_trains_sparse(SGDOptions(0.1));
}
TEST(SparseGradientsOf, AreTakenByMomentum) {
  expect_trains_sparse(SGDOptions(0.1).momentum(0.9));
}
TEST(SparseGradientsOf, AreTakenByAdagrad) {
  expect_trains_sparse(torch::optim::AdagradOptions(0.1));
}
TEST(SparseGradientsOf, AreTakenByRowWiseAdagrad) {
  expect_trains_sparse(optim::RowWiseAdagradOptions(0.1));
}

} // namespace
} // namespace polytask
