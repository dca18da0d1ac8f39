// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/by_loss.h>
#include <polytask/training/samplers/temperature.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::says;
using testing::snapshot;
using testing::twin_of;
using torch::optim::AdamOptions;
using torch::optim::SGDOptions;

std::unique_ptr<JointTraining> joint_pcgrad(const MultiTaskModel& model) {
  return std::make_unique<JointTraining>(
      model,
      AdamOptions(0.01),
      JointTrainingOptions().balancing(balancing::make("pcgrad")));
}

std::string file_of(const Training& training) {
  std::ostringstream file;
  torch::save(training, file);
  return file.str();
}

void read_file(Training& training, const std::string& text) {
  std::istringstream file(text);
  torch::load(training, file);
}

// Everything that a refused state must leave: the state, but for the order of
// the optimizer's own archive, and the next step. `made` makes a training like
// it, of another model.
void expect_unchanged(
    Training& training,
    const MultiTaskModel& model,
    const std::function<void()>& refused,
    const std::function<std::unique_ptr<Training>(const MultiTaskModel&)>&
        made = joint_pcgrad) {
  const MultiTaskModel twin = twin_of(model);
  const auto before = training.state();
  refused();
  const auto after = training.state();
  EXPECT_EQ(after.steps, before.steps);
  EXPECT_EQ(after.weights, before.weights);
  EXPECT_EQ(after.trained, before.trained);
  EXPECT_EQ(after.sampler, before.sampler);
  for (const auto& [name, tensor] : before.balancing_state) {
    EXPECT_TRUE(torch::equal(after.balancing_state.at(name), tensor)) << name;
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  // The optimizer steps as it would have.
  const auto other = made(twin);
  other->load_state(before);
  const Batch batch = make_shared_batch();
  training.step(batch);
  other->step(batch);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

// What is trained, and how.
struct Resumed {
  std::string name;
  std::function<std::unique_ptr<Training>(const MultiTaskModel&)> make;
};

std::ostream& operator<<(std::ostream& stream, const Resumed& each) {
  return stream << each.name;
}

template <typename Options>
Resumed by_optimizer(const std::string& name, const Options& options) {
  return {name, [options](const MultiTaskModel& model) {
            return std::make_unique<AlternatingTraining>(
                model,
                options,
                AlternatingTrainingOptions().sampler(ByLossSampler()));
          }};
}

Resumed by_method(const std::string& name) {
  return {"Joint_" + name, [name](const MultiTaskModel& model) {
            return std::make_unique<JointTraining>(
                model,
                AdamOptions(0.01),
                JointTrainingOptions().balancing(balancing::make(name)));
          }};
}

std::vector<Resumed> all_resumed() {
  const TaskNumbers sizes = {{"a", 4}, {"b", 2}, {"c", 1}};
  std::vector<Resumed> all = {
      by_optimizer("SGD", SGDOptions(0.01)),
      by_optimizer("Momentum", SGDOptions(0.01).momentum(0.9)),
      by_optimizer("Adam", AdamOptions(0.01)),
      by_optimizer("AMSGrad", AdamOptions(0.01).amsgrad(true)),
      by_optimizer("AdamW", torch::optim::AdamWOptions(0.01)),
      by_optimizer("Adagrad", torch::optim::AdagradOptions(0.01)),
      by_optimizer("RowWiseAdagrad", optim::RowWiseAdagradOptions(0.01)),
      by_optimizer("RMSprop", torch::optim::RMSpropOptions(0.01).momentum(0.5)),
      {"Temperature", [sizes](const MultiTaskModel& model) {
         return std::make_unique<AlternatingTraining>(
             model,
             AdamOptions(0.01),
             AlternatingTrainingOptions().seed(4).sampler(TemperatureSampler(
                 sizes,
                 TemperatureSamplerOptions(1).final_temperature(3).anneal_draws(
                     15))));
       }}};
  for (const auto* method :
       {"pcgrad",
        "gradvac",
        "dwa",
        "uw",
        "gradnorm",
        "nash_mtl",
        "moco",
        "excess_mtl",
        "famo",
        "rlw",
        "stch_warmup",
        "graddrop"}) {
    all.push_back(by_method(method));
  }
  return all;
}

class Resumes : public ::testing::TestWithParam<Resumed> {};

TEST_P(Resumes, ToTheLastBitFromAFile) {
  const MultiTaskModel model = make_shared_model();
  const Batch batch = make_shared_batch();
  auto whole = GetParam().make(model);
  for (int step = 0; step < 7; ++step) {
    whole->step(batch);
  }
  whole->end_epoch();
  const std::string file = file_of(*whole);
  const MultiTaskModel twin = twin_of(model);
  for (int step = 0; step < 13; ++step) {
    whole->step(batch);
  }

  auto resumed = GetParam().make(twin);
  read_file(*resumed, file);
  EXPECT_EQ(resumed->steps(), 7);
  EXPECT_EQ(resumed->epochs(), 1);
  for (int step = 0; step < 13; ++step) {
    resumed->step(batch);
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  EXPECT_EQ(whole->state().sampler, resumed->state().sampler);
}

// What the training had learned meanwhile is forgotten.
TEST_P(Resumes, FromStepsThatWereTakenSince) {
  const MultiTaskModel model = make_shared_model();
  const Batch batch = make_shared_batch();
  auto training = GetParam().make(model);
  const auto first = training->state();
  const auto start = snapshot(model);
  training->run(batch, 5);
  const auto once = snapshot(model);
  training->load_state(first);
  {
    torch::NoGradGuard no_grad;
    const auto parameters = model->unique_parameters();
    for (size_t i = 0; i < start.size(); ++i) {
      parameters[i].copy_(start[i]);
    }
  }
  EXPECT_EQ(training->steps(), 0);
  training->run(batch, 5);
  EXPECT_TRUE(same_bits(once, snapshot(model)));
}

INSTANTIATE_TEST_SUITE_P(
    All, Resumes, ::testing::ValuesIn(all_resumed()), [](const auto& each) {
      return each.param.name;
    });

TEST(TrainingState, HoldsWeightsOfTasksAndWhatIsFrozen) {
  MultiTaskModel model = make_shared_model();
  model->task("b").weight(0.25);
  model->freeze("c");
  const auto state = joint_pcgrad(model)->state();
  MultiTaskModel fresh = make_shared_model();
  joint_pcgrad(fresh)->load_state(state);
  EXPECT_EQ(fresh->task("b").weight(), 0.25);
  EXPECT_FALSE(fresh->task_parameters("c")[0].requires_grad());
  EXPECT_TRUE(fresh->task_parameters("b")[0].requires_grad());
}

TEST(TrainingState, RestoresTheRate) {
  const MultiTaskModel model = make_shared_model();
  auto training = joint_pcgrad(model);
  training->optimizer().param_groups()[0].options().set_lr(0.007);
  auto other = joint_pcgrad(make_shared_model());
  other->load_state(training->state());
  EXPECT_EQ(other->optimizer().param_groups()[0].options().get_lr(), 0.007);
}

// Archives of fused optimizers and of LibTorch's own are the same.
TEST(TrainingState, OfAFusedOptimizerIsOneOfLibTorchsToo) {
  const MultiTaskModel model = make_shared_model();
  const Batch batch = make_shared_batch();
  JointTraining fused(model, AdamOptions(0.01));
  fused.run(batch, 4);
  const MultiTaskModel twin = twin_of(model);
  torch::optim::Adam own(twin->unique_parameters(), AdamOptions(0.5));
  JointTraining plain(twin, own);
  plain.load_state(fused.state());
  EXPECT_EQ(own.param_groups()[0].options().get_lr(), 0.01);
  fused.run(batch, 4);
  plain.run(batch, 4);
  for (size_t i = 0; i < snapshot(model).size(); ++i) {
    EXPECT_TRUE(
        torch::allclose(snapshot(model)[i], snapshot(twin)[i], 1e-5, 1e-6));
  }
  // And back.
  fused.load_state(plain.state());
}

// States that are refused, by what the message says.
struct Refused {
  std::string name;
  std::function<void(TrainingState&)> spoil;
  std::vector<std::string> says;
};

std::ostream& operator<<(std::ostream& stream, const Refused& each) {
  return stream << each.name;
}

template <typename Strategy, typename Options, typename Optimizer>
std::function<void(TrainingState&)> of_another(
    const Optimizer& optimizer,
    const Options& options,
    const std::function<MultiTaskModel()>& make = make_shared_model) {
  return [=](TrainingState& state) {
    state = Strategy(make(), optimizer, options).state();
  };
}

JointTrainingOptions weighed_by(const std::string& method) {
  return JointTrainingOptions().balancing(balancing::make(method));
}

MultiTaskModel other_tasks() {
  MultiTaskModel model;
  model->add_task("a", LinearTask(5, 1));
  model->add_task("d", LinearTask(5, 1));
  return model;
}

MultiTaskModel wider_heads() {
  MultiTaskModel model{HardSharing(testing::TanhTrunk(5, 9))};
  for (const auto* name : {"a", "b", "c"}) {
    model->add_task(name, LinearTask(9, 1));
  }
  return model;
}

std::vector<Refused> all_refused() {
  using Joint = JointTraining;
  return {
      {"AnotherStrategy",
       of_another<AlternatingTraining>(
           AdamOptions(0.1), AlternatingTrainingOptions()),
       {"the strategy 'joint'", "it has 'alternating'"}},
      {"OtherTasks",
       of_another<Joint>(AdamOptions(0.1), JointTrainingOptions(), other_tasks),
       {"the tasks 'a', 'b', 'c'", "with 'a', 'd'"}},
      {"OtherShapes",
       of_another<Joint>(AdamOptions(0.1), JointTrainingOptions(), wider_heads),
       {"the model's parameters", "[8, 5]", "[9, 5]"}},
      {"AnotherMethod",
       of_another<Joint>(AdamOptions(0.1), weighed_by("dwa")),
       {"the balancing 'pcgrad'", "it has 'dwa'"}},
      {"NoMethod",
       of_another<Joint>(AdamOptions(0.1), JointTrainingOptions()),
       {"the balancing 'pcgrad'", "it has none"}},
      {"AnotherOptimizer",
       of_another<Joint>(SGDOptions(0.1), weighed_by("pcgrad")),
       {"the optimizer 'Adam'", "it has 'SGD'"}},
      {"OtherGroups",
       of_another<Joint>(
           AdamOptions(0.1),
           weighed_by("pcgrad").learning_rates(LearningRates().shared(1))),
       {"the optimizer's parameters", "'group 0: ", "'group 1: "}},
      {"ANewerPolytask",
       [](TrainingState& state) { state.version = 99; },
       {"version 99", "a newer polytask", "up to version 1"}},
      {"AnUnreadableArchive",
       [](TrainingState& state) {
         state.optimizer_archive = state.optimizer_archive.narrow(0, 0, 100);
       },
       {"the optimizer 'Adam' cannot read its archive"}},
      {"AnImpossibleVersion",
       [](TrainingState& state) { state.version = 0; },
       {"expected a state of version 1 or later", "version 0"}},
      {"NoArchive",
       [](TrainingState& state) { state.optimizer_archive.reset(); },
       {"the optimizer's archive"}},
      {"AMethodsStateOfOtherTasks",
       [](TrainingState& state) {
         state.balancing_state["tasks"] = torch::tensor(5);
       },
       {"pcgrad: expected a state of 3 tasks"}},
      {"AMethodsStateWithoutRandomNumbers",
       [](TrainingState& state) { state.balancing_state.erase("random"); },
       {"the state lacks 'random'"}},
      {"ABadWeight",
       [](TrainingState& state) { state.weights[1] = -1; },
       {"a finite weight of at least 0"}},
      {"ASampler",
       [](TrainingState& state) { state.sampler.emplace(); },
       {"without a sampler"}},
      {"StepsBelowZero",
       [](TrainingState& state) { state.steps = -1; },
       {"cannot have -1 steps"}}};
}

class RefusedState : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedState, IsRefusedByNameWithNothingChanged) {
  MultiTaskModel model = make_shared_model();
  model->task("c").weight(0.5);
  auto training = joint_pcgrad(model);
  training->run(make_shared_batch(), 5);
  expect_unchanged(*training, model, [&] {
    TrainingState state = training->state();
    state.steps = 3; // something to be lost
    GetParam().spoil(state);
    const auto error = error_of([&] { training->load_state(state); });
    for (const auto& text : GetParam().says) {
      EXPECT_TRUE(says(error, {text}));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    States,
    RefusedState,
    ::testing::ValuesIn(all_refused()),
    [](const auto& each) { return each.param.name; });

TEST(RefusedMethod, OfOtherOptionsIsRefusedByNameWithNothingChanged) {
  const auto made = [](const MultiTaskModel& model, double c) {
    return JointTraining(
        model,
        AdamOptions(0.1),
        JointTrainingOptions().balancing(
            balancing::make("cagrad", {{"c", c}})));
  };
  const MultiTaskModel model = make_shared_model();
  auto training = made(model, 0.4);
  training.run(make_shared_batch(), 2);
  expect_unchanged(
      training,
      model,
      [&] {
        EXPECT_TRUE(says(
            error_of([&] {
              training.load_state(made(make_shared_model(), 0.5).state());
            }),
            {"the balancing's options", "0.4", "it has", "0.5"}));
      },
      [&](const MultiTaskModel& twin) {
        return std::make_unique<JointTraining>(made(twin, 0.4));
      });
}

TEST(RefusedSampler, OfAnotherKindIsRefusedByNameWithNothingChanged) {
  const MultiTaskModel model = make_shared_model();
  AlternatingTraining uniform(model, AdamOptions(0.1));
  AlternatingTraining by_loss(
      make_shared_model(),
      AdamOptions(0.1),
      AlternatingTrainingOptions().sampler(ByLossSampler()));
  uniform.run(make_shared_batch(), 3);
  expect_unchanged(
      uniform,
      model,
      [&] {
        EXPECT_TRUE(says(
            error_of([&] { uniform.load_state(by_loss.state()); }),
            {"the state of a polytask::UniformSampler",
             "a polytask::ByLossSampler"}));
      },
      [](const MultiTaskModel& twin) {
        return std::make_unique<AlternatingTraining>(twin, AdamOptions(0.1));
      });
}

TEST(TrainingArchive, OfANewerPolytaskIsRefusedByName) {
  auto training = joint_pcgrad(make_shared_model());
  TrainingState state = training->state();
  state.version = 2;
  torch::serialize::OutputArchive archive;
  state.save(archive);
  std::stringstream file;
  archive.save_to(file);
  EXPECT_TRUE(says(
      error_of([&] { torch::load(*training, file); }),
      {"version 2, which a newer polytask wrote"}));
}

TEST(TrainingArchive, IsNotWrittenOfAStateThatHoldsNothing) {
  torch::serialize::OutputArchive archive;
  EXPECT_TRUE(says(
      error_of([&] { TrainingState().save(archive); }),
      {"the state holds nothing"}));
}

TEST(TrainingArchive, IsNoModelsArchive) {
  const MultiTaskModel model = make_shared_model();
  std::stringstream file;
  torch::save(model, file);
  auto training = joint_pcgrad(model);
  EXPECT_TRUE(says(
      error_of([&] { torch::load(*training, file); }),
      {"the archive holds no training's state"}));
}

TEST(TrainingArchive, StandsBesideOthersInOneFile) {
  const MultiTaskModel model = make_shared_model();
  auto training = joint_pcgrad(model);
  training->run(make_shared_batch(), 3);
  torch::serialize::OutputArchive archive;
  torch::serialize::OutputArchive child(archive.compilation_unit());
  training->save(child);
  archive.write("training", child);
  std::stringstream file;
  archive.save_to(file);

  torch::serialize::InputArchive read;
  read.load_from(file);
  torch::serialize::InputArchive part;
  read.read("training", part);
  auto other = joint_pcgrad(twin_of(model));
  other->load(part);
  EXPECT_EQ(other->steps(), 3);
}

// Of one shape, so that only their names tell them apart.
TEST(RefusedOptimizer, OfParametersInAnotherOrder) {
  const auto training_of = [](const MultiTaskModel& model, bool swapped) {
    std::vector<torch::Tensor> held =
        model->task_parameters(swapped ? "b" : "a");
    const auto more = model->task_parameters(swapped ? "a" : "b");
    held.insert(held.end(), more.begin(), more.end());
    return std::make_unique<torch::optim::Adam>(held, AdamOptions(0.01));
  };
  const MultiTaskModel model = make_shared_model();
  const auto adam = training_of(model, false);
  JointTraining joint(model, *adam);
  joint.step(make_shared_batch());
  const MultiTaskModel other = make_shared_model();
  const auto swapped = training_of(other, true);
  JointTraining resumed(other, *swapped);
  resumed.run(make_shared_batch(), 2);
  std::unique_ptr<torch::optim::Adam> twins;
  expect_unchanged(
      resumed,
      other,
      [&] {
        EXPECT_TRUE(says(
            error_of([&] { resumed.load_state(joint.state()); }),
            {"the optimizer's parameters",
             "tasks.b.weight",
             "tasks.a.weight"}));
      },
      [&](const MultiTaskModel& twin) {
        twins = training_of(twin, true);
        return std::make_unique<JointTraining>(twin, *twins);
      });
}

} // namespace
} // namespace polytask
