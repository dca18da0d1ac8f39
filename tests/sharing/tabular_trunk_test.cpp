// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <polytask/sharing/tabular_trunk.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <memory>
#include <string>
#include <vector>

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

Batch double_table_batch() {
  const auto rows = table_rows();
  return Batch(
      Inputs{
          {"numbers", rows["numbers"].to(torch::kDouble)},
          {"ids", rows["ids"]},
          {"tags", rows["tags"]}},
      {{"a", torch::ones({3, 1}, torch::kDouble)},
       {"b", torch::zeros({3, 1}, torch::kDouble)}});
}

MultiTaskModel double_table_model() {
  torch::manual_seed(1);
  auto model = table_model(table_options().hidden({4}).sparse(true));
  model->to(torch::kDouble);
  return model;
}

// By a loop of one's own: tables by rows, all else by LibTorch's Adagrad.
struct OwnLoop {
  explicit OwnLoop(const MultiTaskModel& stepped) : model(stepped) {
    std::vector<torch::Tensor> dense;
    for (const auto& entry : model->named_parameters()) {
      const bool is_table =
          entry.key().find("embedding") != std::string::npos ||
          entry.key().find("bag") != std::string::npos;
      (is_table ? tables : dense).push_back(entry.value());
    }
    for (const auto& table : tables) {
      sums.push_back(torch::zeros({table.size(0)}, torch::kDouble));
    }
    others = std::make_unique<torch::optim::Adagrad>(
        dense, torch::optim::AdagradOptions(0.1));
  }

  void step() {
    for (auto& parameter : model->parameters()) {
      parameter.mutable_grad().reset();
    }
    const Batch batch = double_table_batch();
    const auto outputs = model->forward(batch.inputs());
    ((outputs["a"] - 1).square().mean() + outputs["b"].square().mean())
        .backward();
    others->step();
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < tables.size(); ++i) {
      const auto gradient = tables[i].grad().to_dense();
      sums[i] += gradient.square().mean(1);
      tables[i] -= 0.1 * gradient / (sums[i].sqrt() + 1e-10).unsqueeze(1);
    }
  }

  MultiTaskModel model;
  std::vector<torch::Tensor> tables;
  std::vector<torch::Tensor> sums;
  std::unique_ptr<torch::optim::Adagrad> others;
};

TEST(TabularTrunk, LearnsByRowWiseAdagradAsByALoop) {
  const auto model = double_table_model();
  OwnLoop loop(double_table_model());
  ASSERT_EQ(loop.tables.size(), 3U);
  optim::RowWiseAdagrad own(model->unique_parameters(), 0.1);
  JointTraining joint(model, own);
  for (int step = 0; step < 5; ++step) {
    joint.step(double_table_batch());
    loop.step();
  }
  const auto ours = model->parameters();
  const auto theirs = loop.model->parameters();
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(ours[i].detach().allclose(theirs[i].detach(), 1e-12, 1e-12));
  }
  EXPECT_EQ(own.state().size(), ours.size());
}

TEST(TabularTrunk, GoesOnByRowWiseAdagradFromAState) {
  const auto model = double_table_model();
  JointTraining whole(model, optim::RowWiseAdagradOptions(0.1));
  for (int step = 0; step < 3; ++step) {
    whole.step(double_table_batch());
  }
  const auto twin = testing::twin_of(model);
  JointTraining resumed(twin, optim::RowWiseAdagradOptions(0.3));
  resumed.load_state(whole.state());
  for (int step = 0; step < 3; ++step) {
    whole.step(double_table_batch());
    resumed.step(double_table_batch());
  }
  const auto ours = model->parameters();
  const auto theirs = twin->parameters();
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(ours[i].equal(theirs[i]));
  }
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
