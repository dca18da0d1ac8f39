// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/conflict_recorder.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

// A step with gradients [T, 2] and their weights.
StepReport step_of(
    const std::vector<double>& rows, const std::vector<double>& weights = {}) {
  const auto count = static_cast<int64_t>(rows.size() / 2);
  const auto jacobian = at::tensor(rows, at::kDouble).view({count, 2});
  StepReport report;
  report.losses = jacobian.ne(0).any(1).to(at::kFloat);
  report.gradients.emplace();
  report.gradients->gramian = jacobian.matmul(jacobian.t());
  if (!weights.empty()) {
    report.gradients->weights = at::tensor(weights, at::kDouble);
  }
  return report;
}

void expect_close(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_TRUE(at::allclose(actual, expected, 1e-12, 1e-12, true))
      << actual << "\nexpected\n"
      << expected;
}

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

at::Tensor numbers(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble);
}

// a and b in conflict once in two steps; c takes part in one.
ConflictRecorder recorded() {
  ConflictRecorder recorder(std::vector<std::string>{"a", "b", "c"});
  recorder.add(step_of({1, 0, -2, 0, 0, 0}, {0.75, 0.25, 0}));
  recorder.add(step_of({3, 0, 0, 4, 3, 4}, {1, 1, 1}));
  return recorder;
}

std::string content_of(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(ConflictRecorder, AveragesOverTheStepsInWhichAPairTookPart) {
  const auto recorder = recorded();
  EXPECT_EQ(recorder.steps(), 2);
  expect_close(
      recorder.steps_together(),
      numbers({2, 2, 1, 2, 2, 1, 1, 1, 1}).view({3, 3}));
  expect_close(
      recorder.cosines(),
      numbers({1, -0.5, 0.6, -0.5, 1, 0.8, 0.6, 0.8, 1}).view({3, 3}));
  expect_close(
      recorder.conflict_rates(),
      numbers({0, 0.5, 0, 0.5, 0, 0, 0, 0, 0}).view({3, 3}));
  expect_close(recorder.norms(), numbers({2, 3, 5}));
  expect_close(recorder.weights(), numbers({0.875, 0.625, 1}));
  // The updates are (0.25, 0) and (6, 8).
  expect_close(
      recorder.shares(), numbers({(3 + 0.18) / 2, (-2 + 0.32) / 2, 0.5}));
}

TEST(ConflictRecorder, KnowsNothingOfTasksThatNeverTookPart) {
  ConflictRecorder recorder(std::vector<std::string>{"a", "b"});
  recorder.add(step_of({1, 1, 0, 0}, {1, 0}));
  EXPECT_TRUE(std::isnan(recorder.cosines()[0][1].item<double>()));
  EXPECT_TRUE(std::isnan(recorder.norms()[1].item<double>()));
  std::ostringstream text;
  recorder.print(text);
  EXPECT_TRUE(says(
      text.str(),
      {"1 step with gradients, 0 without\n", "b              -       ."}));
}

TEST(ConflictRecorder, CountsATaskWithALossButNoGradient) {
  ConflictRecorder recorder(std::vector<std::string>{"a", "b"});
  auto step = step_of({3, 4, 0, 0}, {1, 1});
  step.losses = at::ones({2});
  recorder.add(step);
  expect_close(recorder.norms(), numbers({5, 0}));
  expect_close(recorder.cosines(), numbers({1, 0, 0, 0}).view({2, 2}));
}

TEST(ConflictRecorder, LeavesWeightsOpenWhereAMethodHasNone) {
  ConflictRecorder recorder(std::vector<std::string>{"a", "b"});
  recorder.add(step_of({1, 0, 0, 1}));
  expect_close(recorder.weights(), numbers({kNone, kNone}));
  recorder.add(step_of({1, 0, 0, 1}, {0.5, 0.5}));
  expect_close(recorder.weights(), numbers({0.5, 0.5}));
  expect_close(recorder.norms(), numbers({1, 1}));
}

TEST(ConflictRecorder, CountsStepsWithoutGradientsApart) {
  auto recorder = recorded();
  recorder.add(StepReport());
  EXPECT_EQ(recorder.steps(), 2);
  EXPECT_EQ(recorder.steps_without_gradients(), 1);
  std::ostringstream text;
  recorder.print(text);
  EXPECT_EQ(
      text.str(),
      "2 steps with gradients, 1 without\n"
      "mean cosine below the diagonal, steps in conflict above it\n"
      "               a       b       c        norm    weight     share\n"
      "a              .  50.0 %   0.0 %           2     0.875     1.590\n"
      "b         -0.500       .   0.0 %           3     0.625    -0.840\n"
      "c          0.600   0.800       .           5     1.000     0.500\n");
}

TEST(ConflictRecorder, ForgetsAllOnReset) {
  auto recorder = recorded();
  recorder.add(StepReport());
  recorder.reset();
  EXPECT_EQ(recorder.steps() + recorder.steps_without_gradients(), 0);
  EXPECT_TRUE(recorder.cosines().isnan().all().item<bool>());
}

TEST(ConflictRecorder, RefusesAReportOfOtherTasks) {
  auto recorder = recorded();
  EXPECT_TRUE(says(
      error_of([&] { recorder.add(step_of({1, 0, 0, 1})); }),
      {"ConflictRecorder: expected the report of 3 tasks", "[2, 2]"}));
  EXPECT_EQ(recorder.steps(), 2);
  EXPECT_TRUE(says(
      error_of([] { ConflictRecorder({std::vector<std::string>()}); }),
      {"at least one task"}));
}

TEST(ConflictRecorder, WritesNumbersThatReadBackTheSame) {
  ConflictRecorder recorder(std::vector<std::string>{"a", "b, \"c\""});
  recorder.add(step_of({1, 0.1, 0.3, -0.7}, {1.0 / 3, 2.0 / 3}));
  const auto path = ::testing::TempDir() + "polytask_conflicts.csv";
  recorder.write_csv(path);
  std::istringstream text(content_of(path));
  std::remove(path.c_str());
  std::string line;
  std::getline(text, line);
  EXPECT_EQ(line, "task,other,steps,cosine,conflict_rate,norm,weight,share");
  std::getline(text, line);
  std::vector<double> cells;
  std::istringstream row(line.substr(std::string("a,a,").size()));
  for (std::string cell; std::getline(row, cell, ',');) {
    cells.push_back(std::stod(cell));
  }
  ASSERT_EQ(cells.size(), 6);
  EXPECT_EQ(cells[0], 1);
  EXPECT_EQ(cells[3], recorder.norms()[0].item<double>());
  EXPECT_EQ(cells[4], 1.0 / 3);
  EXPECT_EQ(cells[5], recorder.shares()[0].item<double>());
  std::getline(text, line);
  const std::string pair = "a,\"b, \"\"c\"\"\",1,";
  ASSERT_EQ(line.substr(0, pair.size()), pair);
  EXPECT_EQ(
      std::stod(line.substr(pair.size())),
      recorder.cosines()[0][1].item<double>());
  EXPECT_EQ(line.substr(line.size() - 5), ",0,,,");
}

TEST(ConflictRecorder, DrawsAFieldForEachPair) {
  ConflictRecorder recorder(std::vector<std::string>{"a<b", "c"});
  recorder.add(step_of({1, 0, -1, 0}));
  const auto path = ::testing::TempDir() + "polytask_conflicts.svg";
  recorder.write_svg(path);
  const auto text = content_of(path);
  std::remove(path.c_str());
  EXPECT_TRUE(says(
      text,
      {"<svg ",
       "fill=\"#c82828\" stroke=\"#fff\"><title>a&lt;b, c: -1.00</title>",
       "</svg>\n"}));
  EXPECT_EQ(text.find("a<b"), std::string::npos);
}

TEST(ConflictRecorder, NamesTheFileThatItCannotWrite) {
  const auto recorder = recorded();
  const std::string path = ::testing::TempDir() + "polytask_absent/a.csv";
  const std::string expected = "ConflictRecorder: cannot write " + path;
  EXPECT_TRUE(says(error_of([&] { recorder.write_csv(path); }), {expected}));
  EXPECT_TRUE(says(error_of([&] { recorder.write_svg(path); }), {expected}));
}

TEST(ConflictRecorder, ObservesARun) {
  const auto model = testing::make_shared_model();
  const auto batch = testing::make_shared_batch();
  ConflictRecorder recorder(model);
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.01),
      JointTrainingOptions().balancing(balancing::make("upgrad")));
  joint.run(batch, 3, std::ref(recorder));
  EXPECT_EQ(recorder.steps(), 3);
  EXPECT_EQ(recorder.tasks(), model->task_names());
  EXPECT_NEAR(recorder.shares().sum().item<double>(), 1, 1e-9);
  AlternatingTraining(model, torch::optim::SGDOptions(0.01))
      .run(batch, 2, std::ref(recorder));
  EXPECT_EQ(recorder.steps_without_gradients(), 2);
}

} // namespace
} // namespace polytask
