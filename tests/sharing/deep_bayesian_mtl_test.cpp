// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/deep_bayesian_mtl.h>

#include <gtest/gtest.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

#include <sstream>

#include "core/archive_key.h"
#include "sharing/cloning.h"
#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/model_checks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

// A bottom or none, experts, and a softmax gate of each task.
class TinyMixtureImpl : public Sharing {
 public:
  TinyMixtureImpl(
      int64_t inputs,
      std::vector<int64_t> bottom,
      std::vector<int64_t> expert,
      int64_t experts)
      : Sharing("TinyMixture"),
        inputs_(inputs),
        bottom_widths_(std::move(bottom)),
        expert_widths_(std::move(expert)),
        gates_(std::make_shared<torch::nn::Module>("Gates")) {
    width_ = inputs;
    if (!bottom_widths_.empty()) {
      bottom_ = register_module(
          "bottom", testing::rectified_layers(inputs, bottom_widths_));
      width_ = bottom_widths_.back();
    }
    register_module("experts", experts_);
    for (int64_t i = 0; i < experts; ++i) {
      experts_->push_back(testing::rectified_layers(width_, expert_widths_));
    }
    register_module("gates", gates_);
  }

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override {
    std::vector<torch::Tensor> all;
    for (int64_t i = 0; i < tasks; ++i) {
      all.push_back(features_of(input, i));
    }
    return all;
  }
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override {
    const auto hidden = bottom_.is_empty() ? input : bottom_->forward(input);
    std::vector<torch::Tensor> outputs;
    for (const auto& expert : *experts_) {
      outputs.push_back(expert->as<torch::nn::Sequential>()->forward(hidden));
    }
    const auto shares = torch::softmax(
        gates_of_tasks_[static_cast<size_t>(task)]->forward(hidden), 1);
    return (torch::stack(outputs, 1) * shares.unsqueeze(2)).sum(1);
  }
  std::vector<torch::Tensor> task_parameters(int64_t task) const override {
    return gates_of_tasks_[static_cast<size_t>(task)]->parameters();
  }
  std::vector<torch::Tensor> used_parameters(int64_t task) const override {
    auto all = experts_->parameters();
    const auto gate = task_parameters(task);
    all.insert(all.end(), gate.begin(), gate.end());
    if (!bottom_.is_empty()) {
      const auto bottom = bottom_->parameters();
      all.insert(all.end(), bottom.begin(), bottom.end());
    }
    return all;
  }
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& /*device*/) const override {
    auto copy = std::make_shared<TinyMixtureImpl>(
        inputs_,
        bottom_widths_,
        expert_widths_,
        static_cast<int64_t>(experts_->size()));
    copy->serve(tasks());
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters().size(); ++i) {
      copy->parameters()[i].set_data(parameters()[i].detach().clone());
    }
    detail::complete_clone(*this, *copy);
    return copy;
  }

 protected:
  void add_task(const std::string& name) override {
    gates_of_tasks_.emplace_back(
        width_, static_cast<int64_t>(experts_->size()));
    gates_->register_module(detail::archive_key(name), gates_of_tasks_.back());
  }

 private:
  int64_t inputs_, width_;
  std::vector<int64_t> bottom_widths_, expert_widths_;
  torch::nn::Sequential bottom_{nullptr};
  torch::nn::ModuleList experts_;
  std::shared_ptr<torch::nn::Module> gates_;
  std::vector<torch::nn::Linear> gates_of_tasks_;
};
TORCH_MODULE(TinyMixture);

std::string golden_dbmtl_name(const std::string& name) {
  auto own = name;
  // Layer i of a network of the file stands at 2i, with a ReLU between them.
  for (const char* number : {"2", "1"}) {
    own = testing::renamed(
        {{std::string("(bottom|experts\\.\\d|towers\\.\\w+|relations\\.\\w+)"
                      "\\.") +
              number + "\\.",
          "$1." + std::to_string(2 * std::stoi(number)) + "."}})(own);
  }
  return testing::renamed(
      {{"^(towers|relations)", "sharing.$1"},
       {"^(bottom|experts|gates)", "sharing.inner.$1"},
       {"^heads", "tasks"}})(own);
}

TEST(DeepBayesianMTL, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_DBMTL")) {
    const auto& given = golden.options;
    const auto widths = [&](const char* name) {
      return given[name].get<std::vector<int64_t>>();
    };
    const auto bottom = widths("bottom_dims");
    const int64_t experts = given["num_experts"];
    const int64_t inputs = given["input_dim"];
    std::shared_ptr<Sharing> inner;
    int64_t features = bottom.empty() ? inputs : bottom.back();
    if (experts == 0) {
      inner = HardSharing(testing::rectified_layers(inputs, bottom)).ptr();
    } else {
      inner = TinyMixture(inputs, bottom, widths("expert_dims"), experts).ptr();
      features = widths("expert_dims").back();
    }
    MultiTaskModel model{DeepBayesianMTL(
        inner,
        DeepBayesianMTLOptions(features)
            .tower_widths(widths("tower_dims"))
            .relation_widths(widths("relation_dims"))
            .relations(given["relations"].get<TaskRelations>()))};
    for (const auto& task : golden.tasks()) {
      const auto& head = golden.parameters.at("heads." + task + ".weight");
      model->add_task(
          task, Task(torch::nn::Linear(head.size(1), 1), BCEWithLogitsLoss()));
    }
    const auto rename = [&](const std::string& name) {
      const auto own = golden_dbmtl_name(name);
      return experts > 0
          ? own
          : testing::renamed({{"inner\\.bottom", "inner.trunk"}})(own);
    };
    testing::load_case(*model, golden, rename);
    const auto input = golden.input.clone().requires_grad_(true);
    const auto outputs = model->forward(input);
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *model, rename, outputs, {{"input", input}});
  }
}

DeepBayesianMTLOptions small_dbmtl() {
  return DeepBayesianMTLOptions(6)
      .tower_widths({5})
      .relation_widths({4})
      .relations({{"class", {"a b"}}, {"\u00df", {"class", "a b"}}});
}

void add_dbmtl_tasks(MultiTaskModel model, bool relates_all = false) {
  const auto task = [](int64_t width) {
    return Task(torch::nn::Linear(width, 1), BCEWithLogitsLoss());
  };
  model->add_task("a b", task(relates_all ? 4 : 5));
  model->add_task("class", task(4));
  model->add_task("\u00df", task(4));
  model->add_task("alone", task(relates_all ? 4 : 5));
}

MultiTaskModel dbmtl_model() {
  MultiTaskModel model{DeepBayesianMTL(
      TinyMixture(5, std::vector<int64_t>{4}, std::vector<int64_t>{6}, 3),
      small_dbmtl())};
  add_dbmtl_tasks(model);
  return model;
}

MultiTaskModel related_model() {
  MultiTaskModel model{DeepBayesianMTL(
      HardSharing(torch::nn::Linear(5, 6)), small_dbmtl().relates_all(true))};
  add_dbmtl_tasks(model, true);
  return model;
}

Batch dbmtl_batch() {
  const auto x = torch::randn({64, 5});
  const auto label = [&](int64_t column) {
    return (x.narrow(1, column, 1) > 0).to(torch::kFloat);
  };
  return {
      x,
      {{"a b", label(0)},
       {"class", label(0) * label(1)},
       {"\u00df", label(0) * label(2)},
       {"alone", label(3)}}};
}

TEST(DeepBayesianMTL, ComputesOneTaskAsAll) {
  const auto x = torch::randn({6, 5});
  testing::expect_one_task_as_all(dbmtl_model(), x);
  testing::expect_one_task_as_all(related_model(), x);
  testing::expect_used_parameters(dbmtl_model(), x);
  testing::expect_used_parameters(related_model(), x);
}

TEST(DeepBayesianMTL, GivesTasksWithoutPredecessorsARelationNetworkIfItIsTold) {
  const auto names = related_model()->named_parameters();
  EXPECT_TRUE(names.contains("sharing.relations.alone.0.weight"));
  EXPECT_FALSE(dbmtl_model()->named_parameters().contains(
      "sharing.relations.alone.0.weight"));
}

TEST(DeepBayesianMTL, KeepsWhatNoOtherTaskDependsOnAsATasksOwn) {
  const MultiTaskModel model = dbmtl_model();
  EXPECT_TRUE(model->sharing().task_parameters(0).empty());
  EXPECT_TRUE(model->sharing().task_parameters(1).empty());
  EXPECT_EQ(model->sharing().task_parameters(2).size(), 6);
  EXPECT_EQ(model->sharing().task_parameters(3).size(), 4);
}

TEST(DeepBayesianMTL, IsClonedDeeply) {
  const auto x = torch::randn({6, 5});
  testing::expect_deep_clone(dbmtl_model(), x);
  MultiTaskModel wide = related_model();
  wide->to(torch::kDouble);
  wide->eval();
  testing::expect_deep_clone(wide, x.to(torch::kDouble));
}

TEST(DeepBayesianMTL, IsSavedAndLoaded) {
  const auto x = torch::randn({6, 5});
  testing::expect_saved_and_loaded(dbmtl_model(), dbmtl_model(), x);
  testing::expect_saved_and_loaded(related_model(), related_model(), x);
}

TEST(DeepBayesianMTL, LearnsTogetherAndInTurn) {
  testing::expect_learns(dbmtl_model(), dbmtl_batch());
  testing::expect_learns_in_turn(dbmtl_model(), dbmtl_batch(), "alone");
  testing::expect_learns_in_turn(related_model(), dbmtl_batch(), "class");
}

class ToldSharing : public NoSharingImpl {
 public:
  void begin_step() override {
    ++steps;
  }
  void end_epoch() override {
    ++epochs;
  }
  bool draws() const override {
    return true;
  }
  torch::Tensor own_loss(c10::ArrayRef<int64_t> /*tasks*/) override {
    return torch::ones({});
  }
  int steps = 0, epochs = 0;
};

TEST(SharingAround, HandsOnWhatItIsToldAndAsked) {
  const auto inner = std::make_shared<ToldSharing>();
  DeepBayesianMTL sharing(
      std::shared_ptr<Sharing>(inner), DeepBayesianMTLOptions(3));
  sharing->begin_step();
  sharing->end_epoch();
  EXPECT_EQ(inner->steps, 1);
  EXPECT_EQ(inner->epochs, 1);
  EXPECT_TRUE(sharing->draws());
  EXPECT_EQ(sharing->own_loss({0}).item<float>(), 1);
  EXPECT_TRUE(sharing->mixing_weights().empty());
  sharing->serve({"a", "b"});
  EXPECT_EQ(inner->tasks(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(says(
      error_of([&] { inner->serve({"a"}); }), {"serves the tasks 'a', 'b'"}));
}

TEST(DeepBayesianMTL, RefusesRelationsThatCannotBe) {
  const auto refusal = [](const TaskRelations& relations) {
    return error_of([&] {
      DeepBayesianMTL(
          NoSharing(),
          DeepBayesianMTLOptions(3).relation_widths({2}).relations(relations));
    });
  };
  EXPECT_TRUE(says(refusal({{"a", {"a"}}}), {"'a' is related to itself"}));
  EXPECT_TRUE(
      says(refusal({{"a", {"b", "b"}}}), {"'a' is related to 'b' twice"}));
  EXPECT_TRUE(says(
      refusal({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}),
      {"a cycle: 'a' -> 'b' -> 'c' -> 'a'"}));
  EXPECT_TRUE(says(
      error_of([] {
        DeepBayesianMTL(
            NoSharing(), DeepBayesianMTLOptions(3).relations({{"a", {"b"}}}));
      }),
      {"expected relation_widths"}));
}

TEST(DeepBayesianMTL, RefusesATaskBeforeThoseItDependsOn) {
  MultiTaskModel model{
      DeepBayesianMTL(HardSharing(torch::nn::Linear(5, 6)), small_dbmtl())};
  const auto task = [] {
    return Task(torch::nn::Linear(4, 1), BCEWithLogitsLoss());
  };
  EXPECT_TRUE(says(
      error_of([&] { model->add_task("class", task()); }),
      {"DeepBayesianMTL: task 'class' is related to 'a b'", "there is none"}));
  EXPECT_EQ(model->size(), 0);
  EXPECT_TRUE(model->sharing().tasks().empty());
  add_dbmtl_tasks(model);
  EXPECT_EQ(model->forward(torch::randn({2, 5})).size(), 4);
}

TEST(DeepBayesianMTL, RefusesRelationsOfATaskThatIsNotThere) {
  MultiTaskModel model{DeepBayesianMTL(
      HardSharing(torch::nn::Linear(5, 6)),
      small_dbmtl().relations({{"clas", {"a b"}}}))};
  model->add_task("a b", Task(torch::nn::Linear(5, 1), BCEWithLogitsLoss()));
  for (const auto& message :
       {error_of([&] { model->forward(torch::randn({2, 5})); }),
        error_of([&] { model->forward_task(torch::randn({2, 5}), "a b"); })}) {
    EXPECT_TRUE(says(
        message,
        {"DeepBayesianMTL: the relations name the task 'clas'",
         "there is 'a b'"}));
  }
}

TEST(DeepBayesianMTL, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] { DeepBayesianMTL(NoSharing(), DeepBayesianMTLOptions(0)); }),
      {"DeepBayesianMTL: expected in_features of at least 1", "0"}));
  EXPECT_TRUE(says(
      error_of([] {
        DeepBayesianMTL(
            NoSharing(), DeepBayesianMTLOptions(2).tower_widths({0}));
      }),
      {"tower_widths"}));
  EXPECT_TRUE(says(
      error_of([] {
        DeepBayesianMTL(std::shared_ptr<Sharing>(), DeepBayesianMTLOptions(2));
      }),
      {"polytask::DeepBayesianMTL: the inner sharing is empty"}));
  MultiTaskModel model{DeepBayesianMTL(
      NoSharing(), DeepBayesianMTLOptions(6).tower_widths({5}))};
  model->add_task("a b", Task(torch::nn::Linear(5, 1), BCEWithLogitsLoss()));
  EXPECT_TRUE(says(
      error_of([&] { model->forward(torch::zeros({2, 7})); }),
      {"DeepBayesianMTL: expected features of shape [B, 6]",
       "'a b'",
       "[2, 7]"}));
}

TEST(DeepBayesianMTL, GoesWhereAutogradGoesByAnyRoute) {
  testing::expect_routes_agree(dbmtl_model(), dbmtl_batch());
}

TEST(DeepBayesianMTL, PrintsAConstructorCall) {
  std::ostringstream text;
  dbmtl_model()->sharing().pretty_print(text);
  EXPECT_EQ(
      text.str(),
      "polytask::DeepBayesianMTL(in_features=6, tower_widths=[5], "
      "relation_widths=[4])");
}

} // namespace
} // namespace polytask
