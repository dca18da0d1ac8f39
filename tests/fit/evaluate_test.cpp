// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/evaluate.h>

#include <gmock/gmock.h>
#include <polytask/task/losses/callable.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/metrics/correlation.h>
#include <polytask/task/metrics/errors.h>
#include <torch/torch.h>

#include <cmath>

#include "tests/support/errors.h"

namespace {

using polytask::Batch;
using polytask::data::Dataset;
using polytask::fit::evaluate;
using polytask::fit::EvaluateOptions;
using polytask::fit::predict;
using polytask::testing::error_of;

// Σ w (output - target) / Σ w.
class EvaluatedBias : public polytask::Metric {
 public:
  std::string name() const override {
    return "bias";
  }
  bool higher_is_better() const override {
    return false;
  }
  at::Tensor value(const polytask::MetricState& state) const override {
    return state.sums[0] / state.sums[1];
  }

 protected:
  polytask::MetricState take(
      const at::Tensor& output, const polytask::Labels& labels) const override {
    const auto weights = labels.label_weights(at::kDouble);
    return {{((output - labels.filled()) * weights).sum(), weights.sum()}, {}};
  }
};

constexpr double kHole = std::numeric_limits<double>::quiet_NaN();

// With dropout, BatchNorm, a missing label and weights of rows.
struct JudgedModel {
  torch::Tensor x = torch::randn({103, 4});
  torch::Tensor y = torch::randn({103, 1});
  torch::Tensor c = torch::randint(3, {103});
  torch::Tensor w = torch::rand({103});
  polytask::MultiTaskModel model{torch::nn::Sequential(
      torch::nn::Linear(4, 8),
      torch::nn::BatchNorm1d(8),
      torch::nn::ReLU(),
      torch::nn::Dropout(0.5))};

  JudgedModel() {
    model->add_task(
        "y",
        polytask::Task(torch::nn::Linear(8, 1), polytask::MSELoss())
            .metric(EvaluatedBias()));
    model->add_task(
        "c",
        polytask::Task(
            torch::nn::Linear(8, 3),
            polytask::CrossEntropyLoss(
                polytask::CrossEntropyLossOptions().ignore_index(2))));
    y[5] = kHole;
    y[77] = kHole;
  }

  Dataset data() const {
    return Dataset(x, {{"c", c}, {"y", y}}).with_weights({{"y", w}});
  }
};

TEST(Evaluate, IsTheSameForBatchesOfAnySize) {
  JudgedModel job;
  const auto whole = evaluate(job.model, job.data().batch());
  for (const int64_t size : {1, 7, 103, 1000}) {
    const auto parts =
        evaluate(job.model, job.data(), EvaluateOptions().batch_size(size));
    for (const auto& value : whole.values()) {
      EXPECT_NEAR(parts[value.name], value.value, 1e-6) << value.name << size;
    }
  }
}

TEST(Evaluate, GivesTheLossOfAWholeBatchInEvalMode) {
  JudgedModel job;
  const auto values = evaluate(job.model, job.data());
  job.model->eval();
  torch::NoGradGuard no_grad;
  const auto outputs = job.model->forward(job.x);
  const auto present = job.y.isnan().logical_not();
  const auto w = job.w.unsqueeze(1).masked_select(present);
  const auto error = (outputs["y"] - job.y).masked_select(present);
  EXPECT_NEAR(
      values["y/loss"],
      ((error * error * w).sum() / w.sum()).item<double>(),
      1e-6);
  EXPECT_NEAR(
      values["y/bias"], ((error * w).sum() / w.sum()).item<double>(), 1e-6);
  EXPECT_EQ(values.task("y").labels, 101);
  EXPECT_EQ(values.task("c").labels, job.c.ne(2).sum().item<int64_t>());
  EXPECT_NEAR(
      values["c/loss"],
      torch::nn::functional::cross_entropy(
          outputs["c"],
          job.c,
          torch::nn::functional::CrossEntropyFuncOptions().ignore_index(2))
          .item<double>(),
      1e-6);
  EXPECT_EQ(values["mean/bias"], values["y/bias"]);
  EXPECT_EQ(values["mean/loss"], (values["y/loss"] + values["c/loss"]) / 2);
}

TEST(Evaluate, LeavesEveryModuleInItsModeAndNothingMoved) {
  JudgedModel job;
  const auto children = job.model->modules();
  for (size_t i = 0; i < children.size(); ++i) {
    children[i]->train(i % 2 == 0);
  }
  std::vector<bool> modes;
  for (const auto& module : children) {
    modes.push_back(module->is_training());
  }
  std::vector<torch::Tensor> before;
  for (const auto& buffer : job.model->buffers()) {
    before.push_back(buffer.clone());
  }
  evaluate(job.model, job.data());
  predict(job.model, job.x, EvaluateOptions().batch_size(10));
  for (size_t i = 0; i < children.size(); ++i) {
    EXPECT_EQ(children[i]->is_training(), modes[i]) << i;
  }
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(torch::equal(job.model->buffers()[i], before[i]));
  }
}

TEST(Evaluate, TakesSeveralDataSetsLoadersAndCallables) {
  JudgedModel job;
  const auto expected = evaluate(job.model, job.data());
  const std::vector<Dataset> apart = {
      Dataset(job.x, {{"y", job.y}}).with_weights({{"y", job.w}}),
      Dataset(job.x, {{"c", job.c}})};
  polytask::data::Loader loader(job.data());
  loader.next();
  int64_t given = 0;
  const auto next = [&]() -> std::optional<Batch> {
    return given++ == 0 ? std::optional(job.data().batch()) : std::nullopt;
  };
  const polytask::fit::EvaluationData sources[] = {apart, loader, {next}};
  for (const auto& source : sources) {
    const auto values = evaluate(job.model, source);
    for (const auto& value : expected.values()) {
      EXPECT_NEAR(values[value.name], value.value, 1e-6) << value.name;
    }
  }
  EXPECT_EQ(loader.state().position, 32);
}

TEST(Evaluate, KnowsNothingOfATaskWithoutLabels) {
  JudgedModel job;
  const auto none = torch::full({103, 1}, kHole);
  const auto values = evaluate(job.model, Dataset(job.x, {{"y", none}}));
  ASSERT_EQ(values.tasks().size(), 1);
  EXPECT_EQ(values.task("y").labels, 0);
  EXPECT_TRUE(std::isnan(values["y/loss"]));
  EXPECT_TRUE(std::isnan(values["y/bias"]));
}

TEST(Evaluate, SeesEachBatchOfACallableBeforeItsMemoryIsUsedAgain) {
  torch::manual_seed(4);
  const auto x = torch::randn({40, 3});
  const auto y = torch::randn({40, 1});
  polytask::MultiTaskModel model;
  model->add_task(
      "y",
      polytask::Task(torch::nn::Linear(3, 1), polytask::MSELoss())
          .metric(polytask::RMSE()));
  const auto inputs = torch::empty({10, 3}), targets = torch::empty({10, 1});
  int64_t start = 0;
  const polytask::fit::EvaluationData::Next next =
      [&]() -> std::optional<Batch> {
    if (start == 40) {
      return std::nullopt;
    }
    inputs.copy_(x.narrow(0, start, 10));
    targets.copy_(y.narrow(0, start, 10));
    start += 10;
    return Batch(inputs, {{"y", targets}});
  };
  EXPECT_NEAR(
      evaluate(model, next)["y/rmse"],
      evaluate(model, Dataset(x, {{"y", y}}))["y/rmse"],
      1e-7);
}

TEST(Evaluate, JoinsTheRowsOfManyBatches) {
  torch::manual_seed(5);
  const auto x = torch::randn({300, 3}), y = torch::randn({300, 1});
  polytask::MultiTaskModel model;
  model->add_task(
      "y",
      polytask::Task(torch::nn::Linear(3, 1), polytask::MSELoss())
          .metric(polytask::RMSE())
          .metric(polytask::Pearson()));
  const auto weighted =
      Dataset(x, {{"y", y}}).with_weights({{"y", torch::rand({300})}});
  const std::vector<Dataset> data = {Dataset(x, {{"y", y}}), weighted};
  const auto whole = evaluate(model, data);
  const auto parts = evaluate(model, data, EvaluateOptions().batch_size(7));
  for (const auto* name : {"y/loss", "y/rmse", "y/pearson"}) {
    EXPECT_NEAR(whole[name], parts[name], 1e-6) << name;
  }
}

TEST(Evaluate, NamesTheTaskOfEveryError) {
  JudgedModel job;
  EXPECT_THAT(
      error_of([&] { evaluate(job.model, Dataset(job.x, {{"z", job.y}})); }),
      testing::HasSubstr("evaluate: task 'z': "));
  EXPECT_THAT(
      error_of([&] {
        evaluate(job.model, Dataset(job.x, {{"y", torch::ones({103, 2})}}));
      }),
      testing::HasSubstr("evaluate: task 'y': "));
  EXPECT_THAT(
      error_of([&] {
        evaluate(
            job.model, Dataset(job.x, {{"y", job.y}}).select(torch::arange(0)));
      }),
      testing::HasSubstr("no row"));
  EXPECT_TRUE(job.model->is_training());
  EXPECT_THAT(
      error_of([&] { evaluate(job.model, job.data())["y/auc"]; }),
      testing::HasSubstr("no 'y/auc'; there are 'y/loss', 'y/bias', 'c/loss', "
                         "'mean/loss', 'mean/bias'"));
}

TEST(Predict, GivesTheOutputsOfAllRowsInTheirOrder) {
  JudgedModel job;
  const auto parts =
      predict(job.model, job.x, EvaluateOptions().batch_size(10));
  const auto whole = predict(job.model, job.x);
  job.model->eval();
  const auto outputs = job.model->forward(job.x);
  ASSERT_EQ(parts.keys(), outputs.keys());
  for (const auto& output : outputs) {
    EXPECT_TRUE(torch::equal(whole[output.key()], output.value()));
    EXPECT_TRUE(torch::allclose(parts[output.key()], output.value()));
    EXPECT_FALSE(parts[output.key()].requires_grad());
  }
}

} // namespace
