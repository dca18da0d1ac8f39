// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/serialize.h>

#include <cmath>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/expert_models.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

torch::Tensor rows_of_expert_model(torch::Dtype dtype = torch::kDouble) {
  return testing::expert_batch(testing::RowsOf::kAll, dtype, 1).input();
}

std::vector<torch::Tensor> outputs_of(
    MultiTaskModel& model, const torch::Tensor& input) {
  std::vector<torch::Tensor> all;
  for (const auto& output : model->forward(input)) {
    all.push_back(output.value());
  }
  return all;
}

void expect_same_bits(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(a[i].equal(b[i])) << i;
  }
}

NetworkFactory linear_expert(int64_t inputs, int64_t outputs) {
  return [=] { return torch::nn::Linear(inputs, outputs); };
}

class EveryExpertSharing : public ::testing::TestWithParam<std::string> {
 protected:
  static MultiTaskModel model() {
    torch::manual_seed(1);
    auto made = testing::expert_model(GetParam());
    made->to(torch::kDouble);
    return made;
  }
};

TEST_P(EveryExpertSharing, GivesEachTaskAloneWhatItGivesAll) {
  auto model = EveryExpertSharing::model();
  const auto input = rows_of_expert_model();
  const auto all = model->forward(input);
  for (const auto& task : model->task_names()) {
    EXPECT_TRUE(
        model->forward_task(input, task).allclose(all[task], 1e-12, 1e-12))
        << task;
  }
}

TEST_P(EveryExpertSharing, SaysWhichParametersATaskUses) {
  auto model = EveryExpertSharing::model();
  for (int64_t task = 0; task < model->size(); ++task) {
    model->zero_grad();
    const auto features =
        model->features_of(Inputs(rows_of_expert_model()), task);
    // Not of one sign, so that no gradient of a softmax is 0.
    features.tensor()
        .pow(3)
        .mul(torch::randn_like(features.tensor()))
        .sum()
        .backward();
    std::set<const void*> used;
    for (const auto& parameter : model->sharing().used_parameters(task)) {
      used.insert(parameter.unsafeGetTensorImpl());
    }
    for (const auto& parameter : model->sharing().named_parameters()) {
      EXPECT_EQ(
          parameter.value().grad().defined(),
          used.contains(parameter.value().unsafeGetTensorImpl()))
          << parameter.key() << " and task " << task;
    }
  }
}

TEST_P(EveryExpertSharing, IsClonedWithAllOfItAndNothingInCommon) {
  auto model = EveryExpertSharing::model();
  model->sharing().parameters()[0].requires_grad_(false);
  model->eval();
  auto twin = testing::twin_of(model);
  EXPECT_EQ(twin->sharing().tasks(), model->task_names());
  EXPECT_FALSE(twin->is_training());
  EXPECT_FALSE(twin->sharing().parameters()[0].requires_grad());
  const auto names = model->named_parameters().keys();
  EXPECT_EQ(twin->named_parameters().keys(), names);
  const auto input = rows_of_expert_model();
  const auto before = outputs_of(model, input);
  expect_same_bits(outputs_of(twin, input), before);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : twin->parameters()) {
      parameter.add_(1);
    }
  }
  expect_same_bits(outputs_of(model, input), before);
}

TEST_P(EveryExpertSharing, IsSavedAndLoaded) {
  auto model = EveryExpertSharing::model();
  torch::manual_seed(2);
  auto other = testing::expert_model(GetParam());
  other->to(torch::kDouble);
  std::stringstream bytes;
  torch::save(model, bytes);
  torch::load(other, bytes);
  const auto input = rows_of_expert_model();
  expect_same_bits(outputs_of(other, input), outputs_of(model, input));
}

TEST_P(EveryExpertSharing, TakesATaskThatComesLater) {
  auto model = EveryExpertSharing::model();
  model->eval();
  model->add_task("late", Task(torch::nn::Linear(8, 1), MSELoss()));
  model->task("late").head().module()->to(torch::kDouble);
  const auto all = model->forward(rows_of_expert_model());
  EXPECT_EQ(all.size(), 4);
  for (const auto& parameter : model->sharing().named_parameters()) {
    EXPECT_EQ(parameter.value().scalar_type(), torch::kDouble)
        << parameter.key();
  }
  for (const auto& module : model->sharing().modules()) {
    EXPECT_FALSE(module->is_training()) << module->name();
  }
}

TEST_P(EveryExpertSharing, TellsHowItMixed) {
  auto model = EveryExpertSharing::model();
  model->forward(rows_of_expert_model());
  const auto weights = model->sharing().mixing_weights();
  ASSERT_FALSE(weights.empty());
  for (const auto& level : weights) {
    ASSERT_EQ(level.values.size(0), static_cast<int64_t>(level.rows.size()));
    ASSERT_EQ(level.values.size(1), static_cast<int64_t>(level.columns.size()));
    EXPECT_EQ(level.rows[0], "a");
    const bool loses_codes = GetParam().find("dselect") == 0;
    for (int64_t row = 0; row < level.values.size(0); ++row) {
      const double sum = level.values[row].nansum().item<double>();
      EXPECT_LE(sum, 1 + 1e-12);
      EXPECT_GE(sum, loses_codes ? 0.3 : 1 - 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    EveryExpertSharing,
    ::testing::ValuesIn(testing::expert_model_kinds()),
    [](const auto& kind) { return kind.param; });

MultiTaskModel with_tasks(
    std::shared_ptr<Sharing> sharing, int64_t width, int64_t tasks = 2) {
  MultiTaskModel model(std::move(sharing));
  for (int64_t t = 0; t < tasks; ++t) {
    model->add_task(
        "task" + std::to_string(t),
        Task(torch::nn::Linear(width, 1), MSELoss()));
  }
  return model;
}

TEST(MMoE, OfOneTaskIsAMixtureOfExperts) {
  MMoE sharing(MMoEOptions(3, linear_expert(3, 2)).experts(2));
  auto model = with_tasks(sharing.ptr(), 2, 1);
  const auto input = torch::randn({4, 3});
  const auto parameters = model->sharing().named_parameters();
  const auto expert = [&](const char* number) {
    const std::string name =
        std::string("levels.0.shared_experts.") + number + '.';
    return torch::addmm(
        parameters[name + "bias"], input, parameters[name + "weight"].t());
  };
  const auto shares = torch::softmax(
      torch::addmm(
          parameters["levels.0.gates.task0.logits.bias"],
          input,
          parameters["levels.0.gates.task0.logits.weight"].t()),
      1);
  const auto expected = shares.narrow(1, 0, 1) * expert("0") +
      shares.narrow(1, 1, 1) * expert("1");
  EXPECT_TRUE(model->features_of(Inputs(input), 0)
                  .tensor()
                  .allclose(expected, 1e-5, 1e-6));
}

TEST(MMoE, MixesFeatureMaps) {
  const auto expert = [] {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 3, 3).padding(1));
  };
  MMoE sharing(MMoEOptions(2 * 4 * 4, expert).experts(3));
  sharing->serve({"a", "b"});
  const auto features = sharing->features(torch::randn({5, 2, 4, 4}), 2);
  EXPECT_EQ(features[1].sizes(), torch::IntArrayRef({5, 3, 4, 4}));
}

TEST(MMoE, BalancesItsLoadWhereThatIsAskedFor) {
  MMoE sharing(
      MMoEOptions(3, linear_expert(3, 2)).experts(4).balance_weight(2));
  sharing->serve({"a", "b"});
  {
    // One gate takes the first expert alone, the other all alike.
    const torch::NoGradGuard no_grad;
    auto parameters = sharing->named_parameters();
    for (const char* gate : {"a", "b"}) {
      const std::string name =
          std::string("levels.0.gates.") + gate + ".logits.";
      parameters[name + "weight"].zero_();
      parameters[name + "bias"].zero_();
    }
    parameters["levels.0.gates.a.logits.bias"][0] = 50;
  }
  sharing->features(torch::randn({6, 3}), 2);
  // Load 6 + 1.5 and three times 1.5: mean 3, variance 6.75.
  EXPECT_NEAR(sharing->own_loss({0, 1}).item<double>(), 2 * 6.75 / 9, 1e-5);
  EXPECT_FALSE(sharing->own_loss({0, 1}).defined()) << "once";
  sharing->eval();
  sharing->features(torch::randn({6, 3}), 2);
  EXPECT_FALSE(sharing->own_loss({0, 1}).defined());
}

TEST(MMoE, KeepsGatesOutOfWhatIsSharedWhereThatIsAskedFor) {
  const auto shared = [](bool gates) {
    MMoE sharing(
        MMoEOptions(3, linear_expert(3, 2)).experts(2).gates_are_shared(gates));
    return with_tasks(sharing.ptr(), 2)->shared_parameters().size();
  };
  EXPECT_EQ(shared(true), 4 + 4);
  EXPECT_EQ(shared(false), 4);
}

TEST(CGC, MixesNothingOfOtherTasks) {
  CGC sharing(ExpertLevelOptions(3, linear_expert(3, 2)));
  sharing->serve({"a", "b"});
  sharing->features(torch::randn({4, 3}), 2);
  const auto weights = sharing->mixing_weights()[0];
  EXPECT_EQ(
      weights.columns, (std::vector<std::string>{"a 0", "b 0", "shared 0"}));
  EXPECT_TRUE(weights.values[0][1].isnan().item<bool>());
  EXPECT_FALSE(weights.values[0][2].isnan().item<bool>());
}

TEST(AdaTT, KeepsWhatAGateLearnedWhenATaskIsAdded) {
  AdaTT sharing(AdaTTOptions({ExpertLevelOptions(3, linear_expert(3, 2))}));
  sharing->serve({"a", "b"});
  const auto name = "levels.0.gates.a.logits.weight";
  const torch::Tensor before = sharing->named_parameters()[name].clone();
  sharing->serve({"a", "b", "c"});
  const torch::Tensor after = sharing->named_parameters()[name];
  ASSERT_EQ(after.size(0), 3);
  EXPECT_TRUE(after.narrow(0, 0, 2).equal(before));
}

TEST(PLE, IsAsItWasWhereAnExpertOfATaskCannotBeMade) {
  int64_t made = 0;
  const auto failing = [&made]() -> Network {
    TORCH_CHECK_VALUE(++made < 3, "no more");
    return torch::nn::Linear(2, 2);
  };
  PLE sharing(PLEOptions(
      {ExpertLevelOptions(3, linear_expert(3, 2)),
       ExpertLevelOptions(2, failing)}));
  auto model = with_tasks(sharing.ptr(), 2, 1);
  const auto before = model->named_parameters().keys();
  EXPECT_THAT(
      error_of([&] {
        model->add_task("b", Task(torch::nn::Linear(2, 1), MSELoss()));
      }),
      HasSubstr("no more"));
  EXPECT_EQ(model->named_parameters().keys(), before);
  EXPECT_EQ(model->task_names(), sharing->tasks());
  EXPECT_EQ(model->forward(torch::randn({4, 3})).size(), 1);
}

TEST(ExpertSharing, IsReadByThreadsInEvalMode) {
  auto model = testing::expert_model("mmoe");
  model->eval();
  const auto input = rows_of_expert_model(torch::kFloat);
  const torch::NoGradGuard no_grad;
  const auto expected = outputs_of(model, input);
  std::vector<std::thread> threads;
  std::vector<int> wrong(3, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      const torch::NoGradGuard none;
      for (int i = 0; i < 50; ++i) {
        wrong[t] += outputs_of(model, input)[0].equal(expected[0]) ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(3, 0));
}

TEST(ExpertSharing, RefusesASharedStateThatNobodyMakes) {
  const ExpertLevelOptions first(3, linear_expert(3, 2));
  const ExpertLevelOptions second(2, linear_expert(2, 2));
  for (const auto& error :
       {error_of([&] {
          PLE{PLEOptions(
              {ExpertLevelOptions(first).shared_experts(0), second})};
        }),
        error_of([&] {
          AdaTT{AdaTTOptions(
              {first, ExpertLevelOptions(second).shared_experts(1)})};
        })}) {
    EXPECT_THAT(
        error,
        HasSubstr("level 1 reads the shared state, but level 0 has no shared "
                  "experts"));
  }
}

TEST(ExpertSharing, RefusesOneModuleForManyTasks) {
  const torch::nn::Linear one(3, 2);
  CGC sharing(ExpertLevelOptions(3, [&] { return one; }).shared_experts(0));
  sharing->serve({"a"});
  EXPECT_THAT(
      error_of([&] { sharing->serve({"a", "b"}); }),
      HasSubstr("CGC: expected a new module each time one is made, but expert "
                "0 of task 'b' in level 0 stands in expert 0 of task 'a' in "
                "level 0 already"));
  EXPECT_EQ(sharing->tasks(), std::vector<std::string>{"a"});
}

TEST(ExpertSharing, RefusesExpertsWithoutFeatures) {
  MMoE sharing(MMoEOptions(3, [] {
    return torch::nn::Sequential(
        torch::nn::Linear(3, 1),
        torch::nn::Flatten(torch::nn::FlattenOptions().start_dim(0)));
  }));
  sharing->serve({"a"});
  EXPECT_THAT(
      error_of([&] { sharing->features(torch::randn({4, 3}), 1); }),
      HasSubstr("to give features [B, ...], but got [4]"));
}

TEST(MMoE, RefusesABalanceWeightThatIsNoFactor) {
  for (const double weight : {-1., std::nan(""), HUGE_VAL}) {
    EXPECT_THAT(
        error_of([&] {
          MMoE(MMoEOptions(3, linear_expert(3, 2)).balance_weight(weight));
        }),
        HasSubstr("MMoE: expected a finite balance_weight"));
  }
}

TEST(DSelectK, RefusesFactorsThatAreNone) {
  const DSelectKOptions options(3, linear_expert(3, 2));
  for (const double weight : {-1., std::nan(""), HUGE_VAL}) {
    EXPECT_THAT(
        error_of(
            [&] { DSelectK(DSelectKOptions(options).entropy_weight(weight)); }),
        HasSubstr("DSelectK: expected a finite entropy_weight"));
    EXPECT_THAT(
        error_of([&] {
          DSelectK(DSelectKOptions(options).reachability_weight(weight));
        }),
        HasSubstr("DSelectK: expected a finite reachability_weight"));
    EXPECT_THAT(
        error_of([&] { DSelectK(DSelectKOptions(options).gamma(weight)); }),
        HasSubstr("DSelectK: expected a finite gamma above 0"));
  }
}

TEST(DSelectK, HasAFiniteLossWhereASelectorReachesNobody) {
  DSelectK sharing(DSelectKOptions(3, linear_expert(3, 2))
                       .experts(3)
                       .nonzeros(1)
                       .example_conditioned(false));
  sharing->serve({"a"});
  {
    const torch::NoGradGuard no_grad;
    sharing->named_parameters()["levels.0.gates.a.digits"].fill_(9); // code 3
  }
  sharing->features(torch::randn({4, 3}), 1);
  EXPECT_TRUE(sharing->own_loss({0}).isfinite().item<bool>());
}

TEST(ExpertSharing, RefusesWhatDoesNotFit) {
  const auto input = torch::randn({4, 3});
  const auto asked = [&](auto sharing, const torch::Tensor& x) {
    return error_of([&] {
      sharing->serve({"a", "b"});
      sharing->features(x, 2);
    });
  };
  EXPECT_THAT(
      asked(MMoE(MMoEOptions(3, linear_expert(3, 2)).experts(0)), input),
      HasSubstr("task 'a' has no expert at all"));
  EXPECT_THAT(
      asked(MMoE(MMoEOptions(4, linear_expert(3, 2))), input),
      HasSubstr("the gate of task 'a' expects in_features 4, but a row of its "
                "input has 3"));
  EXPECT_THAT(
      asked(MMoE(MMoEOptions(3, linear_expert(5, 2))), input),
      HasSubstr("expert 0 of the shared state cannot take an input of shape "
                "[4, 3]"));
  int64_t width = 1;
  EXPECT_THAT(
      asked(
          MMoE(MMoEOptions(3, [&] { return torch::nn::Linear(3, ++width); })),
          input),
      HasSubstr("experts of one level give features of one shape"));
  const torch::nn::Linear one(3, 2);
  EXPECT_THAT(
      error_of([&] { MMoE(MMoEOptions(3, [&] { return one; })); }),
      HasSubstr("shared expert 1 in level 0 stands in shared expert 0 in level "
                "0 already"));
  EXPECT_THAT(
      asked(
          CGC(ExpertLevelOptions(3, linear_expert(3, 2))
                  .task_experts_of({{"typo", 2}})),
          input),
      HasSubstr("names the task 'typo', but there is 'a', 'b'"));
  EXPECT_THAT(
      error_of([] { PLE{PLEOptions(std::vector<ExpertLevelOptions>{})}; }),
      HasSubstr("at least one level"));
  EXPECT_THAT(
      error_of([] { MMoE(MMoEOptions(0, linear_expert(3, 2))); }),
      HasSubstr("in_features of at least 1"));
  EXPECT_THAT(
      error_of([] { MMoE(MMoEOptions(3, NetworkFactory())); }),
      HasSubstr("the function that makes one is empty"));
  MMoE sharing(MMoEOptions(3, linear_expert(3, 2)));
  sharing->serve({"a"});
  EXPECT_THAT(
      error_of([&] { sharing->features(input, 2); }),
      HasSubstr("MMoE: it serves 1 tasks, but was asked for 2"));
  EXPECT_THAT(
      error_of([&] { sharing->serve({"b"}); }),
      HasSubstr("it serves the tasks 'a', but should now serve 'b'"));
}

} // namespace
} // namespace polytask
