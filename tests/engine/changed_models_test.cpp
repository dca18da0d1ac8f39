// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/l1.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/fixed_ratio.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <memory>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

// Models that change after a training was made.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;
using testing::same_bits;
using testing::snapshot;
using torch::nn::Linear;
using torch::optim::SGDOptions;

struct ChangedTrunk {
  torch::nn::Sequential trunk;
  MultiTaskModel model;
};

ChangedTrunk make_changed_layers() {
  torch::manual_seed(4);
  torch::nn::Sequential trunk(Linear(5, 8), torch::nn::Tanh());
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", Task(Linear(8, 1), MSELoss()));
  model->add_task("b", Task(Linear(8, 2), MSELoss()));
  model->add_task("c", Task(Linear(8, 1), MSELoss()));
  return {trunk, model};
}

// How a training takes its steps.
struct ChangedWay {
  std::string name;
  std::string method;
  Route route = Route::kAuto;
  bool alternates = false;
};

std::ostream& operator<<(std::ostream& stream, const ChangedWay& way) {
  return stream << way.name;
}

// Keeps the user's optimizer alive.
struct KeptTraining {
  std::unique_ptr<torch::optim::SGD> users;
  std::unique_ptr<Training> training;
};

KeptTraining train_layers(
    const ChangedWay& way, const MultiTaskModel& model, double rate) {
  KeptTraining made;
  if (way.alternates) {
    made.training = std::make_unique<AlternatingTraining>(
        model,
        SGDOptions(rate),
        AlternatingTrainingOptions().route(way.route).seed(3));
    return made;
  }
  auto options = JointTrainingOptions().route(way.route);
  if (!way.method.empty()) {
    options.balancing(balancing::make(way.method));
  }
  made.training =
      std::make_unique<JointTraining>(model, SGDOptions(rate), options);
  return made;
}

void set_all_rates(Training& training, double rate) {
  for (auto& group : training.optimizer().param_groups()) {
    group.options().set_lr(rate);
  }
}

class ChangedModel : public ::testing::TestWithParam<ChangedWay> {
 protected:
  // A training that knew the model before gives what one gives that is made
  // after.
  static void expect_noticed(const std::function<void(ChangedTrunk&)>& change) {
    const Batch batch = make_shared_batch();
    ChangedTrunk before = make_changed_layers();
    ChangedTrunk after = make_changed_layers();
    const KeptTraining older = train_layers(GetParam(), before.model, 0);
    older.training->step(batch); // moves nothing, but knows all
    set_all_rates(*older.training, 0.1);
    change(before);
    change(after);
    const KeptTraining newer = train_layers(GetParam(), after.model, 0);
    newer.training->step(batch);
    set_all_rates(*newer.training, 0.1);
    const auto start = snapshot(after.model);
    for (int step = 0; step < 3; ++step) {
      const StepReport left = older.training->step(batch);
      const StepReport right = newer.training->step(batch);
      EXPECT_TRUE(torch::equal(left.losses, right.losses));
    }
    EXPECT_TRUE(same_bits(snapshot(before.model), snapshot(after.model)));
    EXPECT_FALSE(same_bits(start, snapshot(after.model)));
  }
};

TEST_P(ChangedModel, TakesAFurtherLayerIntoAccount) {
  expect_noticed(
      [](ChangedTrunk& made) { made.trunk->push_back(torch::nn::ReLU()); });
}

TEST_P(ChangedModel, TakesFrozenHeadsIntoAccount) {
  expect_noticed([](ChangedTrunk& made) { made.model->freeze("b"); });
}

TEST_P(ChangedModel, TakesAFrozenLayerIntoAccount) {
  expect_noticed([](ChangedTrunk& made) {
    made.model->shared_parameters()[0].requires_grad_(false);
  });
}

TEST_P(ChangedModel, TakesAnotherLossIntoAccount) {
  expect_noticed([](ChangedTrunk& made) {
    made.model->replace_task("c", Task(made.model->task("c").head(), L1Loss()));
  });
}

TEST_P(ChangedModel, RefusesWhatTheOptimizerDoesNotHold) {
  const Batch batch = make_shared_batch();
  ChangedTrunk made = make_changed_layers();
  const KeptTraining older = train_layers(GetParam(), made.model, 0.1);
  older.training->step(batch);
  Linear further(8, 8);
  made.trunk->push_back(further);
  const auto before = snapshot(made.model);
  for (int times = 0; times < 2; ++times) {
    const auto message = error_of([&] { older.training->step(batch); });
    EXPECT_THAT(message, HasSubstr("after this training was made"));
    EXPECT_THAT(message, HasSubstr("'sharing.trunk.2.weight'"));
  }
  EXPECT_NE(error_of([&] { older.training->run(batch, 3); }), "");
  EXPECT_TRUE(same_bits(before, snapshot(made.model)));
  EXPECT_EQ(older.training->steps(), 1);
  EXPECT_FALSE(further->weight.grad().defined());
  // As the message advises.
  older.training->optimizer().add_param_group(
      torch::optim::OptimizerParamGroup(further->parameters()));
  older.training->step(batch);
  EXPECT_FALSE(same_bits(before, snapshot(made.model)));
  EXPECT_FALSE(torch::equal(before[2], further->weight));
}

TEST_P(ChangedModel, FollowsWhatIsFrozenAndThawed) {
  const Batch batch = make_shared_batch();
  ChangedTrunk made = make_changed_layers();
  const KeptTraining older = train_layers(GetParam(), made.model, 0.1);
  const auto moves = [&] {
    const auto before = snapshot(made.model);
    for (int step = 0; step < 8; ++step) {
      older.training->step(batch);
    }
    const auto now = snapshot(made.model);
    return !torch::equal(before[4], now[4]); // the weight of task "b"
  };
  EXPECT_TRUE(moves());
  made.model->freeze("b");
  EXPECT_FALSE(moves());
  made.model->freeze("b", false);
  EXPECT_TRUE(moves());
}

INSTANTIATE_TEST_SUITE_P(
    Ways,
    ChangedModel,
    ::testing::Values(
        ChangedWay{"Plain", ""},
        ChangedWay{"PlainAutograd", "", Route::kAutograd},
        ChangedWay{"Stacked", "", Route::kStackedHeads},
        ChangedWay{"Alternating", "", Route::kAuto, true},
        ChangedWay{"AlternatingAutograd", "", Route::kAutograd, true},
        ChangedWay{"Uw", "uw"},
        ChangedWay{"UwAutograd", "uw", Route::kAutograd},
        ChangedWay{"PCGrad", "pcgrad"},
        ChangedWay{"PCGradAutograd", "pcgrad", Route::kAutograd},
        ChangedWay{"GradDrop", "graddrop"},
        ChangedWay{"GradDropAutograd", "graddrop", Route::kAutograd}),
    [](const auto& each) { return each.param.name; });

TEST(ChangedHead, IsNoticedWhenItsTaskIsDrawn) {
  const Batch batch = make_shared_batch();
  torch::manual_seed(4);
  torch::nn::Sequential head(Linear(5, 1));
  MultiTaskModel model;
  model->add_task("a", Task(Linear(5, 1), MSELoss()));
  model->add_task("b", Task(Linear(5, 2), MSELoss()));
  model->add_task("c", Task(head, MSELoss()));
  AlternatingTraining alternating(model, SGDOptions(0.1));
  for (const char* task : {"a", "b", "c"}) {
    alternating.step_task(batch, task);
  }
  Linear further(1, 1);
  head->push_back(further);
  alternating.step_task(batch, "a");
  const auto before = snapshot(model);
  EXPECT_THAT(
      error_of([&] { alternating.step_task(batch, "c"); }),
      HasSubstr("'tasks.c.1.weight'"));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_EQ(alternating.steps(), 4);
  alternating.optimizer().add_param_group(
      torch::optim::OptimizerParamGroup(further->parameters()));
  const auto weight = further->weight.detach().clone();
  alternating.step_task(batch, "c");
  EXPECT_FALSE(torch::equal(weight, further->weight));
}

TEST(ChangedHead, DoesNotKeepOthersFromTheirParts) {
  const Batch batch = make_shared_batch();
  torch::manual_seed(4);
  torch::nn::Sequential head(Linear(5, 1));
  MultiTaskModel model;
  model->add_task("a", Task(Linear(5, 1), MSELoss()));
  model->add_task("c", Task(head, MSELoss()));
  AlternatingTraining alternating(
      model,
      SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(
          FixedRatioSampler({{"a", 1}, {"c", 0}})));
  head->push_back(Linear(1, 1));
  const auto before = snapshot(model);
  const Batch part(
      batch.input(),
      {{"a", batch.part("a").labels.target()},
       {"c", batch.part("c").labels.target()}});
  alternating.zero_grad();
  alternating.backward(part);
  alternating.update();
  alternating.step_accumulated({part, part});
  EXPECT_FALSE(torch::equal(before[0], snapshot(model)[0]));
  EXPECT_EQ(alternating.steps(), 2);
}

// As C++ allows it: the module computes with it, and nobody is told.
TEST(TiedUnregistered, IsTrainedByTheTaskThatRegistersIt) {
  const Batch batch = make_shared_batch();
  Linear first(5, 1);
  Linear second(5, 1);
  MultiTaskModel model;
  model->add_task("a", Task(first, MSELoss()));
  model->add_task("c", Task(second, MSELoss()));
  AlternatingTraining alternating(model, SGDOptions(0.1));
  const Batch part(
      batch.input(),
      {{"a", batch.part("a").labels.target()},
       {"c", batch.part("c").labels.target()}});
  second->weight = first->weight;
  const auto before = first->weight.detach().clone();
  alternating.step_task(part, "a");
  EXPECT_TRUE(first->weight.grad().defined());
  EXPECT_FALSE(torch::equal(before, first->weight));
}

// With an optimizer of the user's own, the groups are theirs.
TEST(ChangedModelWithTheUsersOptimizer, IsTrainedOnceTheOptimizerHoldsIt) {
  const Batch batch = make_shared_batch();
  ChangedTrunk made = make_changed_layers();
  torch::optim::Adam users(made.model->unique_parameters());
  JointTraining joint(made.model, users);
  joint.step(batch);
  Linear fresh(8, 1);
  made.model->replace_head("a", fresh);
  EXPECT_THAT(
      error_of([&] { joint.step(batch); }),
      HasSubstr("another head for the task 'a'"));
  users.add_param_group(torch::optim::OptimizerParamGroup(fresh->parameters()));
  const auto before = fresh->weight.detach().clone();
  joint.step(batch);
  EXPECT_FALSE(torch::equal(before, fresh->weight));
}

// Of shared parameters, those that the optimizer does not hold have no part in
// what the tasks agree on.
class UnheldShared : public ::testing::TestWithParam<Route> {};

TEST_P(UnheldShared, IsLeftOutOfInnerProducts) {
  const Batch batch = make_shared_batch();
  ChangedTrunk made = make_changed_layers();
  ChangedTrunk other = make_changed_layers();
  const auto held = [](const ChangedTrunk& each) {
    auto all = each.model->unique_parameters();
    all.erase(all.begin()); // the trunk's weight
    return all;
  };
  torch::optim::SGD users(held(made), 0.1);
  torch::optim::SGD others(held(other), 0.1);
  other.model->shared_parameters()[0].requires_grad_(false);
  const auto options = JointTrainingOptions()
                           .route(GetParam())
                           .balancing(balancing::make("upgrad"));
  JointTraining lacking(made.model, users, options);
  JointTraining frozen(other.model, others, options);
  for (int step = 0; step < 3; ++step) {
    const auto left = lacking.step(batch);
    const auto right = frozen.step(batch);
    EXPECT_TRUE(torch::allclose(
        left.gradients->gramian, right.gradients->gramian, 1e-5, 1e-7));
  }
  const auto a = snapshot(made.model);
  const auto b = snapshot(other.model);
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Routes,
    UnheldShared,
    ::testing::Values(Route::kAuto, Route::kAutograd, Route::kBatchedJacobian));

} // namespace
} // namespace polytask
