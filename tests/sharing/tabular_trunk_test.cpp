// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/tabular_trunk.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include "tests/support/errors.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TabularTrunkOptions table_options() {
  return TabularTrunkOptions(2, {4, 7}).embedding_widths({3, 2}).bags(
      {{"tags", 5, 4}});
}

Inputs table_rows() {
  return Inputs{
      {"numbers", torch::arange(6, torch::kFloat).view({3, 2})},
      {"ids", torch::tensor({{1, 6}, {0, 2}, {3, 3}}, torch::kLong)},
      {"tags", torch::tensor({{1, 2}, {4, 0}, {0, 0}}, torch::kLong)}};
}

MultiTaskModel table_model(const TabularTrunkOptions& options) {
  TabularTrunk trunk(options);
  const int64_t width = trunk->out_features();
  MultiTaskModel model{trunk};
  model->add_task("a", Task(torch::nn::Linear(width, 1), MSELoss()));
  model->add_task("b", Task(torch::nn::Linear(width, 1), MSELoss()));
  return model;
}

Batch table_batch() {
  return Batch(
      table_rows(), {{"a", torch::ones({3, 1})}, {"b", torch::zeros({3, 1})}});
}

TEST(TabularTrunk, SetsNumbersBesideEmbeddings) {
  TabularTrunk trunk(table_options());
  EXPECT_EQ(trunk->out_features(), 2 + 3 + 2 + 4);
  const auto out = trunk->forward(table_rows());
  const auto tables = trunk->named_parameters();
  const auto row = [&](const char* name, int64_t id) {
    return tables[std::string(name) + ".weight"][id];
  };
  EXPECT_TRUE(out[0].narrow(0, 0, 2).equal(torch::tensor({0.0F, 1.0F})));
  EXPECT_TRUE(out[0].narrow(0, 2, 3).equal(row("embedding0", 1)));
  EXPECT_TRUE(out[0].narrow(0, 5, 2).equal(row("embedding1", 6)));
  EXPECT_TRUE(
      out[0].narrow(0, 7, 4).allclose((row("bag0", 1) + row("bag0", 2)) / 2));
  EXPECT_TRUE(out[1].narrow(0, 2, 3).equal(torch::zeros({3}))) << "not known";
  EXPECT_TRUE(out[1].narrow(0, 7, 4).allclose(row("bag0", 4)));
  EXPECT_TRUE(out[2].narrow(0, 7, 4).equal(torch::zeros({4}))) << "none";
}

TEST(TabularTrunk, ChoosesWidthsByTheNumberOfIds) {
  TabularTrunk trunk(TabularTrunkOptions(0, {3, 9, 1000}));
  EXPECT_EQ(trunk->out_features(), 2 + 5 + 50);
}

TEST(TabularTrunk, TakesIdsAlone) {
  TabularTrunk trunk(TabularTrunkOptions(0, {4}).hidden({6}));
  const auto ids = torch::tensor({{1}, {2}}, torch::kLong);
  EXPECT_EQ(trunk->forward(ids).sizes(), torch::IntArrayRef({2, 6}));
}

TEST(TabularTrunk, IsClonedDeeply) {
  auto model = table_model(table_options().hidden({6}).dropout(0.5));
  model->eval();
  auto twin = testing::twin_of(model);
  const auto before = model->forward(table_rows())["a"];
  EXPECT_TRUE(twin->forward(table_rows())["a"].equal(before));
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : twin->parameters()) {
      parameter.add_(1);
    }
  }
  EXPECT_TRUE(model->forward(table_rows())["a"].equal(before));
}

TEST(TabularTrunk, LearnsBySparseGradientsWhatItLearnsByDenseOnes) {
  const auto learned = [](bool sparse, const auto& optimizer) {
    torch::manual_seed(1);
    auto model = table_model(table_options().sparse(sparse));
    JointTraining joint(model, optimizer);
    for (int i = 0; i < 5; ++i) {
      joint.step(table_batch());
    }
    return model->forward(table_rows())["a"].detach();
  };
  const torch::optim::SGDOptions sgd(0.1);
  EXPECT_TRUE(learned(true, sgd).allclose(learned(false, sgd), 1e-5, 1e-6));
  const torch::optim::AdagradOptions adagrad(0.1);
  EXPECT_TRUE(
      learned(true, adagrad).allclose(learned(false, adagrad), 1e-5, 1e-6));
  EXPECT_THAT(
      error_of([&] { learned(true, torch::optim::AdamOptions(0.1)); }),
      HasSubstr("sparse"));
}

TEST(TabularTrunk, NamesWhatDoesNotFit) {
  TabularTrunk trunk(table_options());
  const auto rows = table_rows();
  const auto with = [&](const std::string& name, const torch::Tensor& value) {
    std::vector<Inputs::Named> all;
    rows.for_each([&](const std::string& key, const torch::Tensor& tensor) {
      all.emplace_back(key, key == name ? value : tensor);
    });
    return error_of([&] { trunk->forward(Inputs(all)); });
  };
  EXPECT_THAT(
      with("ids", torch::tensor({{1, 6}, {0, 2}, {3, 7}}, torch::kLong)),
      HasSubstr("column 1 of 'ids' has ids below 7, but got 7"));
  EXPECT_THAT(
      with("ids", torch::zeros({3, 2})), HasSubstr("of int64 [B, 2], but got"));
  EXPECT_THAT(
      with("numbers", torch::zeros({3, 5})),
      HasSubstr("expected 'numbers' [B, 2], but got [3, 5]"));
  EXPECT_THAT(
      error_of([] {
        TabularTrunk{TabularTrunkOptions(1, {3}).embedding_widths({1, 2})};
      }),
      HasSubstr("expected a width for each of the 1 columns"));
  EXPECT_THAT(
      error_of([] { TabularTrunk{TabularTrunkOptions(0, {})}; }),
      HasSubstr("no column"));
}

} // namespace
} // namespace polytask
