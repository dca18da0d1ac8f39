// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/mixing_recorder.h>
#include <torch/optim/sgd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/expert_models.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(MixingRecorder, HasTheMeansOfTheSteps) {
  auto model = testing::expert_model("cgc");
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  MixingRecorder recorder;
  torch::Tensor sum;
  for (int64_t step = 0; step < 3; ++step) {
    joint.step(
        testing::expert_batch(testing::RowsOf::kAll, torch::kFloat, step));
    recorder.add(model);
    const auto now = model->sharing().mixing_weights()[0].values;
    sum = step == 0 ? now : sum + now;
  }
  EXPECT_EQ(recorder.steps(), 3);
  const auto mean = recorder.weights()[0];
  EXPECT_TRUE(mean.values.allclose(sum / 3, 1e-12, 1e-12, /*equal_nan=*/true));
  std::stringstream printed;
  recorder.print(printed);
  EXPECT_THAT(printed.str(), HasSubstr("levels.0"));
  EXPECT_THAT(printed.str(), HasSubstr("shared 1"));
  recorder.reset();
  EXPECT_TRUE(recorder.weights().empty());
}

TEST(MixingRecorder, PassesOverTasksThatTookNoPart) {
  auto model = testing::expert_model("mmoe");
  MixingRecorder recorder;
  const auto batch =
      testing::expert_batch(testing::RowsOf::kAll, torch::kFloat, 1);
  model->forward_task(batch.input(), "b c");
  recorder.add(model);
  model->forward(batch.input());
  recorder.add(model);
  const auto all = model->sharing().mixing_weights()[0].values;
  EXPECT_TRUE(recorder.weights()[0].values.allclose(all, 1e-6, 1e-7));
}

TEST(MixingRecorder, WritesTablesAndPictures) {
  auto model = testing::expert_model("mmoe");
  model->forward(
      testing::expert_batch(testing::RowsOf::kAll, torch::kFloat, 1).input());
  MixingRecorder recorder;
  recorder.add(model);
  const std::string path = ::testing::TempDir() + "mixing_recorder";
  recorder.write_csv(path + ".csv");
  EXPECT_THAT(
      text_of_file(path + ".csv"),
      HasSubstr("where,row,column,weight\nlevels.0,a,shared 0,0."));
  recorder.write_svg(path + ".svg", "levels.0");
  EXPECT_THAT(text_of_file(path + ".svg"), HasSubstr("b c, shared 2: 0."));
  EXPECT_THAT(
      error_of([&] { recorder.write_svg(path + ".svg", "levels.1"); }),
      HasSubstr("there is no 'levels.1'; there is 'levels.0'"));
  std::remove((path + ".csv").c_str());
  std::remove((path + ".svg").c_str());
}

TEST(MixingRecorder, RefusesAnotherSharing) {
  auto model = testing::expert_model("mmoe");
  auto other = testing::expert_model("cgc");
  MixingRecorder recorder;
  recorder.add(model);
  EXPECT_THAT(
      error_of([&] { recorder.add(other); }),
      HasSubstr("mixes other tasks or things than in the steps before"));
  EXPECT_EQ(recorder.steps(), 1);
}

} // namespace
} // namespace polytask
