// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/gaussian_nll.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

// One step on several batches against one on all their rows.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::same_bits;
using testing::snapshot;
using torch::nn::Linear;

constexpr int64_t kAllRows = 24;

struct AccumulatedCase {
  std::string name;
  std::string method;
  Route route = Route::kAuto;
  HeadGradients heads = HeadGradients::kAsMethod;
  // "layers", "unknown", "none".
  std::string kind = "layers";
  // "complete", "missing", "weighted".
  std::string labels = "complete";
};

std::ostream& operator<<(std::ostream& stream, const AccumulatedCase& each) {
  return stream << each.name;
}

// Losses of every kind, and one of a callable.
MultiTaskModel make_accumulated_model(const std::string& kind) {
  torch::manual_seed(41);
  MultiTaskModel model;
  int64_t width = 5;
  if (kind != "none") {
    width = 8;
    model = kind == "unknown"
        ? MultiTaskModel{HardSharing(testing::TanhTrunk(5, 8))}
        : MultiTaskModel{HardSharing(
              torch::nn::Sequential(Linear(5, 8), torch::nn::Tanh()))};
  }
  const auto classes = torch::tensor({0.5f, 2.0f, 1.0f});
  model->add_task("mse", Task(Linear(width, 2), MSELoss()));
  model->add_task("huber", Task(Linear(width, 1), HuberLoss(0.3)).weight(0.4));
  model->add_task(
      "class",
      Task(
          Linear(width, 3),
          CrossEntropyLoss(CrossEntropyLossOptions().weight(classes))));
  model->add_task("binary", Task(Linear(width, 1), BCEWithLogitsLoss()));
  model->add_task(
      "own",
      Task(
          Linear(width, 2),
          [](const torch::Tensor& output,
             const torch::Tensor& target,
             const torch::Tensor& weights) {
            const auto rows = (output - target).abs().sum(1);
            return (rows * weights).sum() / weights.sum();
          }));
  return model->to(torch::kDouble), model;
}

Batch make_all_rows(const std::string& labels) {
  torch::manual_seed(42);
  const auto noise = [](int64_t width) {
    return torch::randn({kAllRows, width}, torch::kDouble);
  };
  torch::Tensor mse = noise(2);
  torch::Tensor huber = noise(1);
  torch::Tensor own = noise(2);
  torch::Tensor classes = torch::randint(3, {kAllRows}, torch::kLong);
  const torch::Tensor binary = (noise(1) > 0).to(torch::kDouble);
  if (labels == "missing") {
    mse.index_put_({torch::arange(0, 9), 1}, std::nan(""));
    huber.narrow(0, 6, 6).fill_(std::nan("")); // a whole micro-batch
    own.index_put_({torch::arange(3, 20, 4), 0}, std::nan(""));
    classes.narrow(0, 1, 7).fill_(Labels::kIgnoreIndex);
  }
  Batch batch(
      noise(5),
      {{"mse", mse},
       {"huber", huber},
       {"class", classes},
       {"binary", binary},
       {"own", own}});
  if (labels != "weighted") {
    return batch;
  }
  Batch::Targets weights;
  for (const auto& name : batch.tasks()) {
    torch::Tensor own_weights = torch::rand({kAllRows}, torch::kDouble);
    own_weights.narrow(0, 7, 4).zero_();
    weights.emplace_back(name, own_weights);
  }
  return batch.with_weights(weights);
}

// Batches of 6, 11, 1 and 6 rows.
std::vector<Batch> in_parts(const Batch& all) {
  std::vector<Batch> parts;
  int64_t begin = 0;
  for (const int64_t rows : {6, 11, 1, 6}) {
    Batch::Targets targets;
    Batch::Targets weights;
    for (const auto& part : all.parts()) {
      targets.emplace_back(
          part.task, part.labels.target().narrow(0, begin, rows));
      if (part.labels.is_weighted()) {
        weights.emplace_back(
            part.task, part.labels.weights().narrow(0, begin, rows));
      }
    }
    Batch part(all.input().narrow(0, begin, rows), targets);
    parts.push_back(weights.empty() ? part : part.with_weights(weights));
    begin += rows;
  }
  return parts;
}

std::unique_ptr<JointTraining> accumulating(
    const AccumulatedCase& how, const MultiTaskModel& model) {
  auto options =
      JointTrainingOptions().route(how.route).head_gradients(how.heads);
  if (!how.method.empty()) {
    auto method = balancing::make(how.method);
    method->seed(5);
    options.balancing(std::move(method));
  }
  return std::make_unique<JointTraining>(
      model, torch::optim::SGDOptions(0.05).momentum(0.9), options);
}

void expect_close(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-9, 1e-10)) << i;
  }
}

class AccumulatedStep : public ::testing::TestWithParam<AccumulatedCase> {};

TEST_P(AccumulatedStep, EqualsAStepOnAllRows) {
  const MultiTaskModel whole_model = make_accumulated_model(GetParam().kind);
  const MultiTaskModel model = make_accumulated_model(GetParam().kind);
  const auto whole = accumulating(GetParam(), whole_model);
  const auto parts = accumulating(GetParam(), model);
  const Batch all = make_all_rows(GetParam().labels);
  const auto batches = in_parts(all);
  for (int step = 0; step < 4; ++step) {
    const StepReport left = whole->step(all);
    const StepReport right = parts->step_accumulated(batches);
    EXPECT_EQ(right.step, left.step);
    EXPECT_TRUE(torch::allclose(left.losses, right.losses, 1e-9, 1e-10));
    EXPECT_TRUE(torch::allclose(left.weights, right.weights, 1e-7, 1e-9));
    EXPECT_EQ(left.gradients.has_value(), right.gradients.has_value());
    if (left.gradients) {
      EXPECT_TRUE(torch::allclose(
          left.gradients->gramian, right.gradients->gramian, 1e-8, 1e-10));
    }
  }
  expect_close(snapshot(whole_model), snapshot(model));
}

std::vector<AccumulatedCase> accumulated_cases() {
  std::vector<AccumulatedCase> cases;
  for (const std::string kind : {"layers", "unknown", "none"}) {
    for (const std::string labels : {"complete", "missing", "weighted"}) {
      const std::string suffix = "_" + kind + "_" + labels;
      const auto add = [&](const std::string& name,
                           const std::string& method,
                           Route route,
                           HeadGradients heads = HeadGradients::kAsMethod) {
        cases.push_back({name + suffix, method, route, heads, kind, labels});
      };
      add("plain", "", Route::kAuto);
      add("plainAutograd", "", Route::kAutograd);
      for (const std::string method : {"uw", "dwa", "famo", "imtl_l"}) {
        add(method, method, Route::kAuto);
        add(method + "Autograd", method, Route::kAutograd);
      }
      add("uwUnweighted", "uw", Route::kAuto, HeadGradients::kUnweighted);
      if (kind == "none") {
        continue;
      }
      for (const std::string method :
           {"upgrad", "nash_mtl", "db_mtl", "config"}) {
        add(method, method, Route::kAuto);
        add(method + "Autograd", method, Route::kAutograd);
      }
      add("upgradWeighted", "upgrad", Route::kAuto, HeadGradients::kWeighted);
      add("upgradWeightedAutograd",
          "upgrad",
          Route::kAutograd,
          HeadGradients::kWeighted);
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    AccumulatedStep,
    ::testing::ValuesIn(accumulated_cases()),
    [](const auto& each) { return each.param.name; });

TEST(AccumulatedSteps, OfOneBatchAreSteps) {
  for (const std::string method : {"", "uw", "upgrad"}) {
    const AccumulatedCase how{"", method};
    const MultiTaskModel a = make_accumulated_model("layers");
    const MultiTaskModel b = make_accumulated_model("layers");
    const auto left = accumulating(how, a);
    const auto right = accumulating(how, b);
    const Batch all = make_all_rows("complete");
    left->step(all);
    right->step_accumulated({all});
    expect_close(snapshot(a), snapshot(b));
  }
}

TEST(AccumulatedSteps, DrawDropoutOnceForTwoPasses) {
  // With p so that every row is kept or none: the second pass must see what
  // the first saw, or losses and gradients would not fit each other.
  torch::manual_seed(3);
  const auto make = [] {
    torch::manual_seed(8);
    MultiTaskModel model{HardSharing(torch::nn::Sequential(
        Linear(5, 8), torch::nn::Dropout(0.5), torch::nn::Tanh()))};
    model->add_task("a", Task(Linear(8, 1), MSELoss()));
    model->add_task("b", Task(Linear(8, 1), MSELoss()));
    return model;
  };
  const auto x = torch::randn({12, 5});
  const auto y = torch::randn({12, 1});
  const auto part = [&](int64_t begin, int64_t rows) {
    return Batch(
        x.narrow(0, begin, rows),
        {{"a", y.narrow(0, begin, rows)}, {"b", y.narrow(0, begin, rows)}});
  };
  const std::vector<Batch> batches{part(0, 7), part(7, 5)};
  const auto gradients = [&](const std::string& method) {
    const MultiTaskModel model = make();
    const auto joint = accumulating({"", method}, model);
    torch::manual_seed(77);
    joint->step_accumulated(batches);
    const double next = torch::rand({1}).item<double>();
    std::vector<torch::Tensor> found;
    for (const auto& parameter : model->unique_parameters()) {
      found.push_back(parameter.grad().clone());
    }
    return std::make_pair(found, next);
  };
  // Which takes the batches once.
  const auto plain = gradients("");
  const auto sum = gradients("sum");
  EXPECT_EQ(sum.second, plain.second);
  for (size_t i = 0; i < plain.first.size(); ++i) {
    EXPECT_TRUE(torch::allclose(sum.first[i], plain.first[i], 1e-5, 1e-7));
  }
}

// A model that counts batches.
struct NormedModel {
  NormedModel() {
    torch::manual_seed(8);
    norm = torch::nn::BatchNorm1d(8);
    model =
        MultiTaskModel{HardSharing(torch::nn::Sequential(Linear(5, 8), norm))};
    model->add_task("a", Task(Linear(8, 1), MSELoss()));
    model->add_task("b", Task(Linear(8, 1), MSELoss()));
  }
  static Batch batch(double label) {
    return Batch(
        torch::randn({6, 5}),
        {{"a", torch::randn({6, 1})}, {"b", torch::full({6, 1}, label)}});
  }

  torch::nn::BatchNorm1d norm{nullptr};
  MultiTaskModel model;
};

TEST(AccumulatedSteps, CountABatchOnceInRunningStatistics) {
  for (const std::string method : {"", "uw", "famo", "upgrad"}) {
    for (const auto heads :
         {HeadGradients::kAsMethod, HeadGradients::kWeighted}) {
      const NormedModel made;
      const auto joint =
          accumulating({"", method, Route::kAuto, heads}, made.model);
      joint->step_accumulated({made.batch(1), made.batch(2), made.batch(3)});
      EXPECT_EQ(made.norm->num_batches_tracked.item<int64_t>(), 3) << method;
    }
  }
}

TEST(AccumulatedSteps, LeaveEverythingWhereOneBatchIsRefused) {
  for (const std::string method : {"", "uw", "upgrad", "config"}) {
    const NormedModel made;
    const auto joint = accumulating({"", method}, made.model);
    const auto& batch = NormedModel::batch;
    joint->step_accumulated({batch(1), batch(2)});
    const auto before = snapshot(made.model);
    const auto mean = made.norm->running_mean.clone();
    EXPECT_THAT(
        error_of([&] {
          joint->step_accumulated({batch(1), batch(INFINITY), batch(2)});
        }),
        HasSubstr("Task 'b': the loss is inf"));
    EXPECT_TRUE(same_bits(before, snapshot(made.model))) << method;
    EXPECT_TRUE(torch::equal(mean, made.norm->running_mean)) << method;
    EXPECT_EQ(joint->steps(), 1);
  }
}

TEST(AccumulatedSteps, RefuseMethodsOfSeveralBatches) {
  const MultiTaskModel model = make_accumulated_model("layers");
  const auto training = accumulating({"", "modo"}, model);
  const auto batches = in_parts(make_all_rows("complete"));
  EXPECT_THAT(
      error_of([&] { training->step_accumulated(batches); }),
      HasSubstr("needs 3 batches"));
  const auto plain = accumulating({"", ""}, model);
  EXPECT_THAT(
      error_of([&] { plain->step_accumulated({}); }),
      HasSubstr("needs a batch"));
}

TEST(AccumulatedSteps, OfAnAlternatingTrainingAreOfOneTask) {
  for (const std::string labels : {"complete", "missing", "weighted"}) {
    const MultiTaskModel a = make_accumulated_model("layers");
    const MultiTaskModel b = make_accumulated_model("layers");
    const torch::optim::SGDOptions sgd(0.05);
    AlternatingTraining whole(a, sgd, AlternatingTrainingOptions().seed(9));
    AlternatingTraining parts(b, sgd, AlternatingTrainingOptions().seed(9));
    const Batch all = make_all_rows(labels);
    const auto batches = in_parts(all);
    for (int step = 0; step < 12; ++step) {
      const auto left = whole.step(all);
      const auto right = parts.step_accumulated(batches);
      EXPECT_EQ(left.task, right.task);
      EXPECT_TRUE(torch::allclose(left.losses, right.losses, 1e-9, 1e-10));
      EXPECT_TRUE(torch::allclose(left.weights, right.weights));
    }
    expect_close(snapshot(a), snapshot(b));
  }
}

} // namespace
} // namespace polytask
