// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/by_loss.h>
#include <polytask/training/samplers/fixed_ratio.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <stdexcept>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/original_job.h"
#include "tests/support/routes.h"

// A run by the normal equations, and who watches it.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::OriginalJob;
using testing::relative_distance;
using testing::same_bits;
using testing::snapshot;
using torch::optim::SGDOptions;

JointTrainingOptions by_route(Route route) {
  return JointTrainingOptions().route(route).fixed_batch(
      route == Route::kAutograd ? FixedBatch::kAuto
                                : FixedBatch::kNormalEquations);
}

JointTrainingOptions watched_by_route(Route route) {
  return JointTrainingOptions().route(route);
}

struct Watched {
  std::vector<torch::Tensor> seen;
  std::vector<int64_t> steps;
};

Watched watch_joint(const OriginalJob& job, Route route) {
  const MultiTaskModel model = job.model();
  JointTraining joint(model, SGDOptions(0.5), watched_by_route(route));
  Watched watched;
  joint.run(job.batch(), 50, [&](const StepReport& report) {
    watched.steps.push_back(report.step);
    watched.seen.push_back(report.losses);
    watched.seen.push_back(report.weights);
    for (const auto& parameter : snapshot(model)) {
      watched.seen.push_back(parameter);
    }
  });
  return watched;
}

TEST(Run, ShowsEachStepsLossesAndParameters) {
  const OriginalJob job(2);
  const Watched found = watch_joint(job, Route::kAuto);
  const Watched expected = watch_joint(job, Route::kAutograd);
  EXPECT_EQ(found.steps, expected.steps);
  ASSERT_EQ(found.seen.size(), expected.seen.size());
  for (size_t i = 0; i < found.seen.size(); ++i) {
    EXPECT_TRUE(torch::allclose(found.seen[i], expected.seen[i], 1e-5, 1e-6));
  }
}

TEST(Run, ShowsEachAlternatingStep) {
  const OriginalJob job(2, torch::kDouble);
  std::vector<std::vector<torch::Tensor>> seen(2);
  std::vector<std::vector<std::string>> tasks(2);
  for (const size_t i : {0, 1}) {
    const MultiTaskModel model = job.model();
    AlternatingTraining alternating(
        model,
        SGDOptions(0.5).momentum(0.3),
        AlternatingTrainingOptions().route(
            i == 0 ? Route::kAuto : Route::kAutograd));
    alternating.run(job.batch(), 100, [&](const StepReport& report) {
      tasks[i].push_back(report.task);
      seen[i].push_back(report.losses);
      for (const auto& parameter : snapshot(model)) {
        seen[i].push_back(parameter);
      }
    });
  }
  EXPECT_EQ(tasks[0], tasks[1]);
  EXPECT_LT(relative_distance(seen[0], seen[1]), 1e-10);
}

// Each of these changes what the equations rest on.
struct Meddling {
  const char* name;
  std::function<void(MultiTaskModel&, torch::optim::Optimizer&)> action;
};

class MeddlingObserver : public ::testing::TestWithParam<Meddling> {};

TEST_P(MeddlingObserver, HasTheEffectItHasOnAutograd) {
  const OriginalJob job(2, torch::kDouble);
  std::vector<std::vector<torch::Tensor>> ends;
  for (const Route route : {Route::kAuto, Route::kAutograd}) {
    MultiTaskModel model = job.model();
    JointTraining joint(
        model,
        SGDOptions(0.3).momentum(0.5),
        JointTrainingOptions().route(route));
    joint.run(job.batch(), 60, [&](const StepReport& report) {
      if (report.step == 20) {
        GetParam().action(model, joint.optimizer());
      }
    });
    ends.push_back(snapshot(model));
  }
  EXPECT_LT(relative_distance(ends[0], ends[1]), 1e-10);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    MeddlingObserver,
    ::testing::Values(
        Meddling{
            "ChangesTheRate",
            [](MultiTaskModel&, torch::optim::Optimizer& optimizer) {
              optimizer.param_groups()[0].options().set_lr(0.01);
            }},
        Meddling{
            "WritesParameters",
            [](MultiTaskModel& model, torch::optim::Optimizer&) {
              torch::NoGradGuard no_grad;
              model->parameters()[0].mul_(0.5);
            }},
        Meddling{
            "ChangesAWeight",
            [](MultiTaskModel& model, torch::optim::Optimizer&) {
              model->task("y1").weight(0.1);
            }},
        Meddling{
            "FreezesATask",
            [](MultiTaskModel& model, torch::optim::Optimizer&) {
              model->freeze("y2");
            }},
        Meddling{
            "ForgetsTheMomentum",
            [](MultiTaskModel&, torch::optim::Optimizer& optimizer) {
              optimizer.state().clear();
            }}),
    [](const auto& each) { return each.param.name; });

TEST(Run, LeavesTheStepsBeforeAnObserverThrew) {
  const OriginalJob job(2);
  MultiTaskModel model = job.model();
  JointTraining joint(model, SGDOptions(0.5), watched_by_route(Route::kAuto));
  EXPECT_THROW(
      joint.run(
          job.batch(),
          50,
          [](const StepReport& report) {
            if (report.step == 7) {
              throw std::runtime_error("enough");
            }
          }),
      std::runtime_error);
  EXPECT_EQ(joint.steps(), 7);
  const auto found = snapshot(model);
  MultiTaskModel twin = job.model();
  JointTraining(twin, SGDOptions(0.5), watched_by_route(Route::kAutograd))
      .run(job.batch(), 7);
  EXPECT_LT(relative_distance(found, snapshot(twin)), 1e-5);
}

struct Stopped {
  int64_t steps;
  std::string message;
  std::vector<torch::Tensor> parameters;
};

Stopped diverge(Route route, FixedBatch fixed) {
  const OriginalJob job(2);
  MultiTaskModel model = job.model();
  JointTraining joint(
      model,
      SGDOptions(3.0),
      JointTrainingOptions().route(route).fixed_batch(fixed));
  const auto message = error_of([&] { joint.run(job.batch(), 1000); });
  return {joint.steps(), message, snapshot(model)};
}

TEST(Run, StopsAtTheStepThatDivergesAndKeepsTheLastGoodParameters) {
  const Stopped expected = diverge(Route::kAutograd, FixedBatch::kAuto);
  EXPECT_THAT(expected.message, HasSubstr("Task 'y"));
  for (const auto fixed : {FixedBatch::kAuto, FixedBatch::kResidual}) {
    const Stopped found = diverge(Route::kAuto, fixed);
    EXPECT_EQ(found.message, expected.message);
    EXPECT_EQ(found.steps, expected.steps);
    EXPECT_LT(relative_distance(found.parameters, expected.parameters), 1e-4);
  }
}

TEST(Run, GoesOnThroughInfinityWhereLossesAreNotChecked) {
  const OriginalJob job(2);
  JointTraining joint(
      job.model(), SGDOptions(3.0), JointTrainingOptions().check_losses(false));
  joint.run(job.batch(), 1000);
  EXPECT_EQ(joint.steps(), 1000);
}

TEST(Run, ContinuesTheMomentumOfStepsAndTheReverse) {
  const OriginalJob job(2, torch::kDouble);
  const auto train = [&](Route route) {
    MultiTaskModel model = job.model();
    JointTraining joint(model, SGDOptions(0.1).momentum(0.9), by_route(route));
    joint.step(job.batch());
    joint.run(job.batch(), 20);
    joint.step(job.batch());
    joint.run(job.batch(), 20);
    return snapshot(model);
  };
  EXPECT_LT(
      relative_distance(train(Route::kAuto), train(Route::kAutograd)), 1e-10);
}

// However they are split.
template <typename Training>
std::vector<torch::Tensor> train_in_parts(
    MultiTaskModel model,
    const Batch& batch,
    const auto& options,
    bool in_parts) {
  torch::manual_seed(7); // what dropout draws
  Training training(model, SGDOptions(0.01).momentum(0.9), options);
  if (in_parts) {
    training.run(batch, 4);
    training.step(batch);
    training.run(batch, 5);
  } else {
    training.run(batch, 10);
  }
  return snapshot(model);
}

TEST(Run, SplitsToTheLastBitWhereItComputesResiduals) {
  for (const auto& job : testing::route_jobs()) {
    SCOPED_TRACE(job.name);
    const Batch batch = job.batch(torch::kFloat);
    const auto joint =
        JointTrainingOptions().fixed_batch(FixedBatch::kResidual);
    EXPECT_TRUE(same_bits(
        train_in_parts<JointTraining>(job.model(), batch, joint, true),
        train_in_parts<JointTraining>(job.model(), batch, joint, false)));
    const auto alternating =
        AlternatingTrainingOptions().fixed_batch(FixedBatch::kResidual).seed(3);
    EXPECT_TRUE(same_bits(
        train_in_parts<AlternatingTraining>(
            job.model(), batch, alternating, true),
        train_in_parts<AlternatingTraining>(
            job.model(), batch, alternating, false)));
  }
}

TEST(Run, LeavesTheGradientsOfTheLastStep) {
  const OriginalJob job(2, torch::kDouble);
  const auto gradients = [&](Route route) {
    MultiTaskModel model = job.model();
    JointTraining joint(model, SGDOptions(0.1), by_route(route));
    joint.run(job.batch(), 10);
    std::vector<torch::Tensor> found;
    for (const auto& parameter : model->parameters()) {
      found.push_back(parameter.grad());
    }
    return found;
  };
  EXPECT_LT(
      relative_distance(gradients(Route::kAuto), gradients(Route::kAutograd)),
      1e-10);
}

// Two columns that are nearly the same: the least-squares solution is huge.
TEST(Run, EqualsAutogradOnAnInputWithoutFullRank) {
  torch::manual_seed(7);
  const auto column = torch::randn({60, 1}, torch::kDouble);
  const auto x = torch::cat(
      {column,
       column,
       column + 1e-9 * torch::randn({60, 1}, torch::kDouble),
       torch::randn({60, 1}, torch::kDouble)},
      1);
  const Batch batch(x, {{"y1", torch::randn({60, 1}, torch::kDouble)}});
  std::vector<std::vector<torch::Tensor>> ends;
  for (const Route route : {Route::kAuto, Route::kAutograd}) {
    torch::manual_seed(8);
    MultiTaskModel model;
    model->add_task("y1", LinearTask(4, 1));
    model->to(torch::kDouble);
    JointTraining joint(model, SGDOptions(0.1), by_route(route));
    ends.push_back({joint.run(batch, 400).losses});
    const auto parameters = snapshot(model);
    ends.back().insert(ends.back().end(), parameters.begin(), parameters.end());
  }
  EXPECT_LT(relative_distance(ends[0], ends[1]), 1e-10);
}

TEST(Run, RefusesNormalEquationsWhereSomebodyWatches) {
  const OriginalJob job(2);
  JointTraining joint(job.model(), SGDOptions(0.1), by_route(Route::kAuto));
  EXPECT_THAT(
      error_of([&] { joint.run(job.batch(), 9, [](const StepReport&) {}); }),
      HasSubstr("an observer looks at each step"));
}

TEST(Run, LeavesATaskThatWasNotDrawnToTheLastBit) {
  const OriginalJob job(2);
  MultiTaskModel model = job.model();
  AlternatingTraining alternating(
      model,
      SGDOptions(0.1).momentum(0.9),
      AlternatingTrainingOptions()
          .fixed_batch(FixedBatch::kNormalEquations)
          .sampler(FixedRatioSampler({{"y1", 1}, {"y2", 0}})));
  const auto before = snapshot(model);
  alternating.run(job.batch(), 100);
  const auto after = snapshot(model);
  EXPECT_FALSE(torch::equal(before[0], after[0]));
  EXPECT_TRUE(torch::equal(before[2], after[2]));
  EXPECT_TRUE(torch::equal(before[3], after[3]));
}

// What is infinite from the start is told as a step tells it, and nothing
// moves.
TEST(Run, RefusesInfiniteLabelsAndInputsWithEverythingAsItWas) {
  const OriginalJob job(2);
  for (const bool in_label : {true, false}) {
    auto x = job.x.clone();
    auto y2 = job.y2.clone();
    (in_label ? y2[3][0] : x[3][0]) = INFINITY;
    MultiTaskModel model = job.model();
    const auto before = snapshot(model);
    JointTraining joint(model, SGDOptions(0.1), by_route(Route::kAuto));
    const Batch batch(x, {{"y1", job.y1}, {"y2", y2}});
    EXPECT_THAT(
        error_of([&] { joint.run(batch, 1000); }),
        HasSubstr(in_label ? "Task 'y2': the loss is inf" : "Task 'y1'"));
    EXPECT_TRUE(testing::same_bits(before, snapshot(model)));
  }
}

TEST(Run, NeverReportsALossBelowZero) {
  for (int64_t seed = 0; seed < 50; ++seed) {
    torch::manual_seed(static_cast<uint64_t>(seed));
    const auto x = torch::randn({3, 2}, torch::kDouble);
    MultiTaskModel model;
    model->add_task("a", LinearTask(2, 1));
    model->to(torch::kDouble);
    AlternatingTraining alternating(
        model,
        SGDOptions(0.05),
        AlternatingTrainingOptions()
            .fixed_batch(FixedBatch::kNormalEquations)
            .sampler(ByLossSampler()));
    alternating.run(Batch(x, {{"a", x.sum(1, true)}}), 3000);
  }
}

TEST(Run, DrawsATaskWithoutLabelsAndGoesOn) {
  const OriginalJob job(2, torch::kDouble);
  const Batch batch(
      job.x, {{"y1", job.y1}, {"y2", torch::full_like(job.y2, std::nan(""))}});
  std::vector<std::vector<torch::Tensor>> ends;
  for (const Route route : {Route::kAuto, Route::kAutograd}) {
    MultiTaskModel model = job.model();
    AlternatingTraining alternating(
        model, SGDOptions(0.1), AlternatingTrainingOptions().route(route));
    alternating.run(batch, 100);
    EXPECT_EQ(alternating.sampler().state().draws, 100);
    ends.push_back(snapshot(model));
  }
  EXPECT_LT(relative_distance(ends[0], ends[1]), 1e-10);
}

TEST(Run, RefusesATaskThatIsDrawnButNotInTheBatch) {
  const OriginalJob job(2);
  AlternatingTraining alternating(
      job.model(), SGDOptions(0.1), AlternatingTrainingOptions().seed(1));
  const Batch batch(job.x, {{"y1", job.y1}});
  EXPECT_THAT(
      error_of([&] { alternating.run(batch, 100); }), HasSubstr("'y2'"));
}

} // namespace
} // namespace polytask
