// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <sstream>

namespace polytask {
namespace {

std::string print_of(const MultiTaskModel& model) {
  std::ostringstream text;
  text << model;
  return text.str();
}

TEST(ModelPrettyPrint, ShowsTheTreeWithCountsLossesAndWeights) {
  MultiTaskModel model{HardSharing(
      torch::nn::Sequential(torch::nn::Linear(2000, 64), torch::nn::ReLU()))};
  model->add_task("heating", LinearTask(64, 1));
  model->add_task("cooling", Task(torch::nn::Linear(64, 16), HuberLoss(0.5)))
      .weight(0.3);
  EXPECT_EQ(
      print_of(model),
      "polytask::MultiTaskModel(2 tasks) [129,169 parameters, 128,064 shared]\n"
      "  sharing: polytask::HardSharing() [128,064 parameters]\n"
      "    trunk: torch::nn::Sequential [128,064 parameters]\n"
      "      0: torch::nn::Linear(in_features=2000, out_features=64, "
      "bias=true) [128,064 parameters]\n"
      "      1: torch::nn::ReLU() [0 parameters]\n"
      "  heating: polytask::LinearTask(64, 1, bias=true), polytask::MSELoss(), "
      "weight 1 [65 parameters]\n"
      "  cooling: torch::nn::Linear(in_features=64, out_features=16, "
      "bias=true), polytask::HuberLoss(delta=0.5), weight 0.3 [1,040 "
      "parameters]\n");
}

TEST(ModelPrettyPrint, SpeaksOfOneTaskAndOneParameter) {
  MultiTaskModel model;
  model->add_task("y", LinearTask(LinearTaskOptions(1, 1).bias(false)));
  EXPECT_EQ(
      print_of(model),
      "polytask::MultiTaskModel(1 task) [1 parameter, 0 shared]\n"
      "  sharing: polytask::NoSharing() [0 parameters]\n"
      "  y: polytask::LinearTask(1, 1, bias=false), polytask::MSELoss(), "
      "weight 1 [1 parameter]\n");
}

TEST(ModelPrettyPrint, CountsATiedHeadOnce) {
  const LinearTask head(2, 1);
  MultiTaskModel model;
  model->add_task("a", head);
  model->add_task("b", head);
  EXPECT_EQ(
      print_of(model).substr(0, print_of(model).find('\n')),
      "polytask::MultiTaskModel(2 tasks) [3 parameters, 3 shared]");
}

} // namespace
} // namespace polytask
