// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/by_loss.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/routes.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

// An input that holds NaN is refused by every route, however it looks for it,
// and nothing has moved then.

namespace polytask {
namespace {

using testing::error_of;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::route_jobs;
using testing::same_bits;
using testing::says;
using testing::snapshot;
using testing::twin_of;
using torch::optim::AdamOptions;
using torch::optim::SGDOptions;

const float kNoNumber = std::nanf("");

// In a row that lacks labels in some jobs.
torch::Tensor one_number(const Batch& batch, size_t part) {
  return batch.parts()[part].inputs.tensor()[0].view(-1)[0];
}

enum class Entry { kStep, kBackward, kAccumulated, kRun };

template <typename Training>
void take(Training& training, Entry way, const Batch& batch) {
  switch (way) {
    case Entry::kBackward:
      training.backward(batch);
      return;
    case Entry::kAccumulated:
      training.step_accumulated({batch, batch});
      return;
    case Entry::kRun:
      training.run(batch, 4);
      return;
    default:
      training.step(batch);
  }
}

class NanInput : public ::testing::TestWithParam<
                     std::tuple<size_t, Entry, Route, torch::Dtype>> {
 protected:
  const testing::RouteJob job = route_jobs()[std::get<0>(GetParam())];
  const Entry way = std::get<1>(GetParam());
  const Route route = std::get<2>(GetParam());
  const torch::Dtype dtype = std::get<3>(GetParam());
  MultiTaskModel model = job.model();

  void SetUp() override {
    model->to(dtype);
  }

  // With the same random numbers, for dropout.
  template <typename Training>
  static void step_both(Training& a, Training& b, const Batch& batch) {
    for (Training* training : {&a, &b}) {
      torch::manual_seed(training->steps());
      training->step(batch);
    }
  }

  template <typename Training>
  void expect_refused(Training& training, Training& undisturbed) {
    const Batch good = job.batch(dtype);
    step_both(training, undisturbed, good);

    const Batch bad = job.batch(dtype);
    for (size_t part = 0; part < bad.parts().size(); ++part) {
      one_number(bad, part).fill_(kNoNumber); // after it was made
    }
    for (int again = 0; again < 2; ++again) {
      EXPECT_TRUE(says(
          error_of([&] { take(training, way, bad); }),
          {"Batch: the input",
           "holds 1 NaN",
           bad.shares_input() ? "the input holds" : " of task '"}));
    }
    EXPECT_TRUE(
        same_bits(snapshot(training.model()), snapshot(undisturbed.model())));
    EXPECT_EQ(training.steps(), 1);
    EXPECT_EQ(training.state().sampler, undisturbed.state().sampler);

    for (size_t part = 0; part < bad.parts().size(); ++part) {
      one_number(bad, part).fill_(0.5);
    }
    for (int step = 0; step < 4; ++step) {
      step_both(training, undisturbed, bad);
    }
    EXPECT_TRUE(
        same_bits(snapshot(training.model()), snapshot(undisturbed.model())));
  }
};

TEST_P(NanInput, IsRefusedInJointTraining) {
  MultiTaskModel twin = twin_of(model);
  const auto options = JointTrainingOptions().route(route);
  JointTraining joint(model, AdamOptions(0.01), options);
  JointTraining undisturbed(twin, AdamOptions(0.01), options);
  expect_refused(joint, undisturbed);
}

TEST_P(NanInput, IsRefusedInAlternatingTraining) {
  MultiTaskModel twin = twin_of(model);
  const auto options =
      AlternatingTrainingOptions().route(route).sampler(ByLossSampler());
  AlternatingTraining alternating(model, AdamOptions(0.01), options);
  AlternatingTraining undisturbed(twin, AdamOptions(0.01), options);
  expect_refused(alternating, undisturbed);
}

std::vector<size_t> jobs_on_numbers() {
  const auto all = route_jobs();
  std::vector<size_t> jobs;
  for (size_t i = 0; i < all.size(); ++i) {
    const Batch batch = all[i].batch(torch::kFloat);
    if (batch.parts()[0].inputs.tensor().is_floating_point()) {
      jobs.push_back(i);
    }
  }
  return jobs;
}

INSTANTIATE_TEST_SUITE_P(
    Jobs,
    NanInput,
    ::testing::Combine(
        ::testing::ValuesIn(jobs_on_numbers()),
        ::testing::Values(
            Entry::kStep, Entry::kBackward, Entry::kAccumulated, Entry::kRun),
        ::testing::Values(Route::kAuto, Route::kAutograd),
        ::testing::Values(torch::kFloat, torch::kDouble)));

// Models of linear tasks whose row 1 has no label that counts, by which kernel
// they are computed.
struct UnlabelledRow {
  const char* name;
  int64_t width;
  int64_t rows;
  int64_t outputs;
  int64_t tasks;
  bool weighted;
};

std::ostream& operator<<(std::ostream& stream, const UnlabelledRow& each) {
  return stream << each.name;
}

class UnlabelledNan : public ::testing::TestWithParam<UnlabelledRow> {
 protected:
  MultiTaskModel make_model() const {
    MultiTaskModel model;
    for (int64_t task = 0; task < GetParam().tasks; ++task) {
      const torch::nn::Linear head(GetParam().width, GetParam().outputs);
      const torch::NoGradGuard guard;
      head->weight.zero_(); // 0 times NaN is NaN
      model->add_task("t" + std::to_string(task), Task(head, MSELoss()));
    }
    return model;
  }

  Batch make_batch() const {
    const int64_t rows = GetParam().rows;
    Batch::Targets targets;
    Batch::Targets weights;
    for (int64_t task = 0; task < GetParam().tasks; ++task) {
      const auto name = "t" + std::to_string(task);
      torch::Tensor target = torch::randn({rows, GetParam().outputs});
      torch::Tensor own = torch::ones({rows});
      (GetParam().weighted ? own[1].zero_() : target[1].fill_(kNoNumber));
      targets.emplace_back(name, target);
      weights.emplace_back(name, own);
    }
    torch::Tensor x = torch::randn({rows, GetParam().width});
    x[1][GetParam().width - 1] = kNoNumber;
    const Batch batch(x, targets);
    return GetParam().weighted ? batch.with_weights(weights) : batch;
  }
};

TEST_P(UnlabelledNan, IsRefusedByTheLinearProgram) {
  const MultiTaskModel model = make_model();
  const auto before = snapshot(model);
  JointTraining joint(model, SGDOptions(0.1));
  AlternatingTraining alternating(model, SGDOptions(0.1));
  ASSERT_EQ(joint.route().route, Route::kLinearProgram);
  EXPECT_TRUE(says(
      error_of([&] { joint.step(make_batch()); }), {"the input holds 1 NaN"}));
  EXPECT_TRUE(says(
      error_of([&] { alternating.step(make_batch()); }),
      {"the input holds 1 NaN"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

INSTANTIATE_TEST_SUITE_P(
    Kernels,
    UnlabelledNan,
    ::testing::Values(
        UnlabelledRow{"Narrow", 2, 100, 1, 2, false},
        UnlabelledRow{"NarrowOutputs", 16, 70, 3, 2, false},
        UnlabelledRow{"OneOutput", 40, 70, 1, 1, false},
        UnlabelledRow{"OneOutputInBlocks", 300, 100, 1, 1, false},
        UnlabelledRow{"Blocks", 600, 400, 2, 2, false},
        UnlabelledRow{"Products", 40, 70, 2, 3, false},
        UnlabelledRow{"ManyOutputs", 40, 70, 12, 1, false},
        UnlabelledRow{"WeightedNarrow", 2, 100, 1, 2, true},
        UnlabelledRow{"WeightedOne", 40, 70, 1, 1, true},
        UnlabelledRow{"WeightedProducts", 40, 70, 2, 3, true}),
    [](const auto& each) { return each.param.name; });

TEST(NanInputOfATaskWithoutLabels, IsRefusedAllTheSame) {
  const Batch batch = Batch::per_task(
      {{"a", torch::randn({4, 3}), torch::randn({4, 1})},
       {"b", torch::full({4, 3}, kNoNumber), torch::full({4, 1}, kNoNumber)}});
  MultiTaskModel model;
  model->add_task("a", LinearTask(3, 1));
  model->add_task("b", LinearTask(3, 1));
  const auto before = snapshot(model);
  JointTraining joint(model, SGDOptions(0.1));
  EXPECT_TRUE(says(
      error_of([&] { joint.step(batch); }),
      {"the input of task 'b' holds 12 NaN"}));
  AlternatingTraining alternating(model, SGDOptions(0.1));
  EXPECT_TRUE(says(
      error_of([&] { alternating.step_task(batch, "b"); }),
      {"the input of task 'b' holds 12 NaN"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST(NanInputOfAnotherTask, IsNotReadInAnAlternatingStep) {
  const Batch batch = Batch::per_task(
      {{"a", torch::randn({4, 3}), torch::randn({4, 1})},
       {"b", torch::full({4, 3}, kNoNumber), torch::randn({4, 1})}});
  MultiTaskModel model;
  model->add_task("a", LinearTask(3, 1));
  model->add_task("b", LinearTask(3, 1));
  AlternatingTraining alternating(model, SGDOptions(0.1));
  EXPECT_EQ(alternating.step_task(batch, "a").step, 1);
  EXPECT_TRUE(says(
      error_of([&] { alternating.step_task(batch, "b"); }),
      {"the input of task 'b' holds 12 NaN"}));
}

TEST(NanInputOfABatchWithoutLabels, IsRefusedAllTheSame) {
  const Batch batch(
      torch::full({4, 3}, kNoNumber), {{"a", torch::full({4, 1}, kNoNumber)}});
  MultiTaskModel model;
  model->add_task("a", LinearTask(3, 1));
  JointTraining joint(model, SGDOptions(0.1));
  EXPECT_TRUE(
      says(error_of([&] { joint.step(batch); }), {"the input holds 12 NaN"}));
}

TEST(NanInputUnchecked, IsTheLosssBusiness) {
  torch::Tensor x = torch::randn({4, 3});
  x[2][1] = kNoNumber;
  MultiTaskModel model;
  model->add_task("a", LinearTask(3, 1));
  JointTraining joint(model, SGDOptions(0.1));
  EXPECT_TRUE(says(
      error_of([&] {
        joint.step(Batch(
            x,
            {{"a", torch::randn({4, 1})}},
            BatchOptions().check_input(false)));
      }),
      {"Task 'a': the loss is nan"}));
}

TEST(NanInputAmongInfinities, IsToldFromThem) {
  torch::Tensor x = torch::randn({4, 20});
  x[2][1] = std::numeric_limits<float>::infinity();
  MultiTaskModel model;
  model->add_task("a", LinearTask(20, 1));
  JointTraining joint(model, SGDOptions(0.1));
  const Batch batch(x, {{"a", torch::randn({4, 1})}});
  EXPECT_TRUE(says(error_of([&] { joint.step(batch); }), {"the loss is inf"}));
  x[3][0] = kNoNumber;
  EXPECT_TRUE(says(
      error_of([&] {
        JointTraining(model, SGDOptions(0.1))
            .step(Batch(x, {{"a", torch::randn({4, 1})}}));
      }),
      {"the input holds 1 NaN"}));
}

class NanInputOfABalancing
    : public ::testing::TestWithParam<std::pair<std::string, size_t>> {};

TEST_P(NanInputOfABalancing, IsRefused) {
  const auto& [method, place] = GetParam();
  const MultiTaskModel model = make_shared_model();
  const auto options =
      JointTrainingOptions().balancing(balancing::make(method));
  JointTraining joint(model, SGDOptions(0.1), options);
  const auto batches = static_cast<size_t>(joint.balancing()->batches());
  std::vector<Batch> all(batches, make_shared_batch());
  torch::Tensor x = all[0].input().clone();
  x[3][2] = kNoNumber;
  Batch::Targets targets;
  for (const auto& part : all[0].parts()) {
    targets.emplace_back(part.task, part.labels.target());
  }
  all[place] = Batch(x, targets);
  const auto before = snapshot(model);
  EXPECT_TRUE(
      says(error_of([&] { joint.step(all); }), {"the input holds 1 NaN"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_EQ(joint.steps(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    NanInputOfABalancing,
    ::testing::Values(
        std::pair("uw", size_t{0}),
        std::pair("famo", size_t{0}),
        std::pair("mgda", size_t{0}),
        std::pair("pcgrad", size_t{0}),
        std::pair("modo", size_t{0}),
        std::pair("modo", size_t{2}),
        std::pair("forum", size_t{0}),
        std::pair("forum", size_t{1})));

TEST(NanInputOfARun, IsRefusedByNormalEquationsToo) {
  MultiTaskModel model;
  model->add_task("a", LinearTask(3, 1));
  const auto before = snapshot(model);
  torch::Tensor x = torch::randn({40, 3});
  x[7][1] = kNoNumber;
  const Batch batch(x, {{"a", torch::randn({40, 1})}});
  for (const auto kind :
       {FixedBatch::kNormalEquations, FixedBatch::kResidual}) {
    JointTraining joint(
        model, SGDOptions(0.1), JointTrainingOptions().fixed_batch(kind));
    EXPECT_TRUE(says(
        error_of([&] { joint.run(batch, 50); }), {"the input holds 1 NaN"}));
    EXPECT_EQ(joint.steps(), 0);
  }
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST(NanInputOfOneOfSeveral, IsRefusedInAnAccumulatedStep) {
  const MultiTaskModel model = make_shared_model();
  const Batch good = make_shared_batch();
  torch::Tensor x = good.input().clone();
  x[3][2] = kNoNumber;
  const auto before = snapshot(model);
  JointTraining joint(model, SGDOptions(0.1));
  EXPECT_TRUE(says(
      error_of([&] {
        joint.step_accumulated(
            {good, Batch(x, {{"a", good.part("a").labels.target()}})});
      }),
      {"the input holds 1 NaN"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

} // namespace
} // namespace polytask
