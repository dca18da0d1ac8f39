// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/aitm.h>

#include <gtest/gtest.h>
#include <polytask/task/heads/calibrated_head.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/calibrated.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <sstream>

#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/model_checks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using AITMGolden = testing::ArchitectureCase;

AITMOptions golden_aitm_options(const AITMGolden& golden) {
  const auto& given = golden.options;
  const auto widths = given["bottom_dims"].get<std::vector<int64_t>>();
  const auto& kind = given["attention_parameters"];
  return AITMOptions(widths.back())
      .attention(
          kind == "shared"         ? AITMAttention::kShared
              : kind == "per task" ? AITMAttention::kPerStep
                                   : AITMAttention::kPerItem)
      .rectified_info(given["info_activation"] == "relu")
      .stop_gradient(given["stop_gradient"]);
}

// Layer i of a network of the file stands at 2i, with a ReLU between them.
std::string golden_aitm_name(const std::string& name) {
  auto own = testing::renamed(
      {{"^bottoms", "sharing.bottoms"},
       {"^attention", "sharing.attention"},
       {"^info\\.(\\w+)\\.0", "sharing.info.$1"},
       {"^heads", "tasks"},
       {"(query|key|value)\\.current", "$1"},
       {"(key|value)\\.previous", "handed_$1"}})(name);
  for (const char* number : {"2", "1"}) {
    own = testing::renamed(
        {{std::string("(bottoms|^tasks)(\\.\\w+)\\.") + number + "\\.",
          "$1$2." + std::to_string(2 * std::stoi(number)) + "."}})(own);
  }
  return own;
}

// EasyRec makes queries of what is handed on, too, but never reads them.
AITMGolden without_unread_queries(AITMGolden golden) {
  auto& gradients =
      golden.all["expected"]["eval"]["gradient_of_sum_of_squares"];
  for (auto it = gradients.begin(); it != gradients.end();) {
    if (it.key().find("query.previous") == std::string::npos) {
      ++it;
      continue;
    }
    EXPECT_EQ(testing::tensor_of(it.value()).abs().max().item<double>(), 0);
    golden.parameters.erase(it.key());
    it = gradients.erase(it);
  }
  return golden;
}

MultiTaskModel golden_aitm_model(const AITMGolden& golden, bool is_calibrated) {
  const auto bottom = [&golden]() -> Network {
    return testing::rectified_layers(
        golden.options["input_dim"], golden.options["bottom_dims"]);
  };
  auto options = golden_aitm_options(golden).hands_previous(is_calibrated);
  const int64_t width = options.width();
  MultiTaskModel model{AITM(bottom, options)};
  std::optional<Network> before;
  for (int64_t i = 0; i < golden.options["num_tasks"].get<int64_t>(); ++i) {
    const Network tower = testing::tower(width, golden.options["tower_dims"]);
    const auto calibrated = CalibratedLossOptions().weight(0.6).sum(true);
    model->add_task(
        "task" + std::to_string(i),
        is_calibrated && before
            ? Task(
                  CalibratedHead(tower, *before),
                  CalibratedLoss(BCEWithLogitsLoss(), calibrated))
            : Task(tower, BCEWithLogitsLoss()));
    before = tower;
  }
  return model;
}

TEST(AITM, HasTheValuesOfOtherImplementations) {
  for (const auto& each : testing::architecture_cases("arch_AITM")) {
    const AITMGolden golden = without_unread_queries(each);
    MultiTaskModel model = golden_aitm_model(golden, false);
    testing::load_case(*model, golden, golden_aitm_name);
    const auto input = golden.input.clone().requires_grad_(true);
    torch::OrderedDict<std::string, torch::Tensor> outputs;
    for (const auto& logit : model->forward(input)) {
      outputs.insert(logit.key(), torch::sigmoid(logit.value()));
    }
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *model, golden_aitm_name, outputs, {{"input", input}});
  }
}

TEST(CalibratedLoss, HasTheValuesOfPaddleRec) {
  for (const auto& each : testing::architecture_cases("arch_AITM")) {
    const AITMGolden golden = without_unread_queries(each);
    MultiTaskModel plain = golden_aitm_model(golden, false);
    testing::load_case(*plain, golden, golden_aitm_name);
    MultiTaskModel model = golden_aitm_model(golden, true);
    model->to(torch::kDouble);
    const auto copy = [&](torch::nn::Module& to, torch::nn::Module& from) {
      const torch::NoGradGuard no_grad;
      for (size_t i = 0; i < to.parameters().size(); ++i) {
        to.parameters()[i].copy_(from.parameters()[i]);
      }
    };
    copy(model->sharing(), plain->sharing());
    for (int64_t i = 0; i < model->size(); ++i) {
      const auto& head = model->task(i).head();
      const auto own = head.as<CalibratedHead>();
      copy(
          own.is_empty() ? *head.module() : *own->own().module(),
          *plain->task(i).head().module());
    }
    const auto features = model->features(golden.input);
    torch::Tensor total = torch::zeros({}, torch::kDouble);
    for (int64_t i = 0; i < model->size(); ++i) {
      const auto name = "task" + std::to_string(i);
      const Labels labels(testing::tensor_of(golden.all["labels"][name]));
      total = total + model->loss(i, features[static_cast<size_t>(i)], labels);
    }
    const auto& expected = golden.all["expected"]["eval"];
    const double value = expected["total_loss_alpha_0.6"].get<double>();
    EXPECT_NEAR(total.item<double>(), value, 1e-10 * value) << golden.name;
    double entropies = 0;
    for (const auto& entropy : expected["binary_cross_entropy"]) {
      entropies += entropy.get<double>();
    }
    EXPECT_NEAR(
        total.item<double>() - entropies,
        0.6 * expected["calibrator_sum"].get<double>(),
        1e-12);
  }
}

TEST(CalibratedLoss, HasTheGradientsOfPaddleRec) {
  for (const auto& golden : testing::architecture_cases("arch_AITM")) {
    const auto& expected = golden.all["expected"]["eval"];
    std::vector<torch::Tensor> probabilities, logits;
    torch::Tensor total = torch::zeros({}, torch::kDouble);
    for (const auto& task : golden.tasks()) {
      probabilities.push_back(
          testing::tensor_of(expected["outputs"][task]).requires_grad_(true));
      logits.push_back(torch::logit(probabilities.back()));
      const auto target = testing::tensor_of(golden.all["labels"][task]);
      const CalibratedLoss loss(
          BCEWithLogitsLoss(), CalibratedLossOptions().weight(0.6).sum(true));
      const size_t count = logits.size();
      total = total +
          loss(count == 1
                   ? logits[0]
                   : torch::cat({logits[count - 1], logits[count - 2]}, 1),
               target);
    }
    const auto gradients = torch::autograd::grad({total}, probabilities);
    for (size_t i = 0; i < gradients.size(); ++i) {
      EXPECT_TRUE(torch::allclose(
          gradients[i],
          testing::tensor_of(
              expected["total_loss_gradient_by_outputs"][golden.tasks()[i]]),
          1e-9,
          1e-11))
          << golden.name << ' ' << i;
    }
  }
}

TEST(CalibratedLoss, TakesTheMeanOverTheLabelsThatArePresent) {
  const auto output = torch::tensor(
      {{1., -1.}, {2., 0.}, {3., -3.}, {-1., 2.}}, torch::kDouble);
  const auto target = torch::tensor({1., 0., double{NAN}, 1.}, torch::kDouble);
  const auto own = output.narrow(1, 0, 1);
  const auto excess =
      torch::relu(torch::sigmoid(own) - torch::sigmoid(output.narrow(1, 1, 1)));
  const BCEWithLogitsLoss inner;
  const Labels labels(target.unsqueeze(1));
  EXPECT_NEAR(
      CalibratedLoss(inner)(output, labels).item<double>(),
      (inner(own, labels) + (excess[0] + excess[1] + excess[3]) / 3)
          .item<double>(),
      1e-14);
  EXPECT_TRUE(
      torch::equal(CalibratedLoss(inner)(own, labels), inner(own, labels)));
  const auto weights = torch::tensor({2., 1., 1., 1.}, torch::kDouble);
  const auto weighted = labels.with_weights(weights);
  EXPECT_NEAR(
      CalibratedLoss(inner, CalibratedLossOptions().sum(true))(output, weighted)
          .item<double>(),
      (inner(own, weighted) + 2 * excess[0] + excess[1] + excess[3])
          .item<double>(),
      1e-14);
}

TEST(CalibratedLoss, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] {
        CalibratedLoss(BCEWithLogitsLoss(), CalibratedLossOptions().weight(-1));
      }),
      {"CalibratedLoss: expected a finite weight", "-1"}));
  const CalibratedLoss loss{Loss(BCEWithLogitsLoss())};
  EXPECT_TRUE(says(
      error_of([&] { loss(torch::zeros({2, 3}), torch::zeros({2, 1})); }),
      {"CalibratedLoss", "[B, 2]", "[2, 3]"}));
  std::ostringstream text;
  loss.pretty_print(text);
  EXPECT_EQ(
      text.str(),
      "polytask::CalibratedLoss(polytask::BCEWithLogitsLoss(), weight=1, "
      "sum=false)");
}

Network aitm_bottom() {
  return torch::nn::Sequential(torch::nn::Linear(5, 4), torch::nn::Tanh());
}

MultiTaskModel aitm_model(AITMOptions options = AITMOptions(4)) {
  MultiTaskModel model{AITM(aitm_bottom, options)};
  for (const char* name : {"a b", "class", "\u00df"}) {
    model->add_task(name, Task(torch::nn::Linear(4, 1), BCEWithLogitsLoss()));
  }
  return model;
}

MultiTaskModel calibrated_model() {
  MultiTaskModel model{AITM(aitm_bottom, AITMOptions(4).hands_previous(true))};
  const torch::nn::Linear click(4, 1), cart(4, 1), buy(4, 1);
  const CalibratedLoss loss{Loss(BCEWithLogitsLoss())};
  model->add_task("a b", Task(click, BCEWithLogitsLoss()));
  model->add_task("class", Task(CalibratedHead(cart, click), loss));
  model->add_task("\u00df", Task(CalibratedHead(buy, cart), loss));
  return model;
}

Batch aitm_batch() {
  const auto x = torch::randn({64, 5});
  const auto click = (x.select(1, 0) > -0.5).to(torch::kFloat);
  const auto cart = click * (x.select(1, 1) > -0.5).to(torch::kFloat);
  const auto buy = cart * (x.select(1, 2) > -0.5).to(torch::kFloat);
  return {
      x,
      {{"a b", click.unsqueeze(1)},
       {"class", cart.unsqueeze(1)},
       {"\u00df", buy.unsqueeze(1)}}};
}

const std::vector<AITMOptions>& aitm_variants() {
  static const std::vector<AITMOptions> variants{
      AITMOptions(4),
      AITMOptions(4).attention(AITMAttention::kShared).rectified_info(false),
      AITMOptions(4).attention(AITMAttention::kPerItem).stop_gradient(true)};
  return variants;
}

TEST(AITM, ComputesOneTaskAsAll) {
  const auto x = torch::randn({6, 5});
  for (const auto& options : aitm_variants()) {
    testing::expect_one_task_as_all(aitm_model(options), x);
    testing::expect_used_parameters(aitm_model(options), x);
  }
  testing::expect_one_task_as_all(calibrated_model(), x);
  testing::expect_used_parameters(calibrated_model(), x);
  MultiTaskModel stopped{AITM(
      aitm_bottom, AITMOptions(4).hands_previous(true).stop_gradient(true))};
  for (const char* name : {"a", "b", "c"}) {
    stopped->add_task(name, Task(torch::nn::Linear(4, 1), BCEWithLogitsLoss()));
  }
  testing::expect_used_parameters(stopped, x);
}

TEST(AITM, ComputesNoTaskBehindTheOneAskedFor) {
  int calls = 0;
  struct CountedImpl : public torch::nn::Module {
    explicit CountedImpl(int& all) : calls(all) {}
    torch::Tensor forward(const torch::Tensor& input) {
      ++calls;
      return input;
    }
    int& calls;
  };
  const auto bottom = [&calls]() -> Network {
    return std::make_shared<CountedImpl>(calls);
  };
  AITM sharing(bottom, AITMOptions(5));
  sharing->serve({"a", "b", "c"});
  sharing->features_of(torch::randn({2, 5}), 1);
  EXPECT_EQ(calls, 2);
}

TEST(AITM, KeepsWhatTheLastTaskAloneUsesAsItsOwn) {
  MultiTaskModel model = aitm_model();
  EXPECT_TRUE(model->sharing().task_parameters(0).empty());
  EXPECT_EQ(model->sharing().task_parameters(2).size(), 7);
  model->add_task("late", Task(torch::nn::Linear(4, 1), BCEWithLogitsLoss()));
  EXPECT_TRUE(model->sharing().task_parameters(2).empty());
  EXPECT_EQ(
      aitm_model(aitm_variants()[2])->sharing().task_parameters(0).size(), 2);
}

TEST(AITM, IsClonedDeeply) {
  const auto x = torch::randn({6, 5});
  for (const auto& options : aitm_variants()) {
    testing::expect_deep_clone(aitm_model(options), x);
  }
  MultiTaskModel wide = calibrated_model();
  wide->to(torch::kDouble);
  testing::expect_deep_clone(wide, x.to(torch::kDouble));
  wide->eval();
  testing::expect_deep_clone(wide, x.to(torch::kDouble));
}

TEST(AITM, IsSavedAndLoaded) {
  const auto x = torch::randn({6, 5});
  for (const auto& options : aitm_variants()) {
    testing::expect_saved_and_loaded(
        aitm_model(options), aitm_model(options), x);
  }
  testing::expect_saved_and_loaded(calibrated_model(), calibrated_model(), x);
}

TEST(AITM, LearnsTogetherAndInTurn) {
  for (const auto& options : aitm_variants()) {
    testing::expect_learns(aitm_model(options), aitm_batch());
    testing::expect_learns_in_turn(aitm_model(options), aitm_batch(), "class");
  }
}

TEST(CalibratedHead, LearnsTogetherAndInTurn) {
  testing::expect_learns(calibrated_model(), aitm_batch());
  testing::expect_learns_in_turn(calibrated_model(), aitm_batch(), "\u00df");
}

TEST(CalibratedHead, TiesTheTowerOfTheTaskBefore) {
  const MultiTaskModel copy = clone(calibrated_model());
  const auto head = copy->task("class").head().as<CalibratedHead>();
  EXPECT_EQ(head->previous().module(), copy->task("a b").head().module());
  EXPECT_TRUE(copy->task_parameters("class").empty());
}

TEST(CalibratedHead, GivesItsTasksLogitAloneInEvaluation) {
  MultiTaskModel model = calibrated_model();
  const auto x = torch::randn({6, 5});
  const auto both = model->forward_task(x, "class");
  ASSERT_EQ(both.size(1), 2);
  EXPECT_TRUE(
      torch::allclose(both.narrow(1, 1, 1), model->forward_task(x, "a b")));
  model->eval();
  EXPECT_TRUE(
      torch::allclose(both.narrow(1, 0, 1), model->forward_task(x, "class")));
}

TEST(CalibratedHead, RefusesWhatDoesNotFit) {
  const torch::nn::Linear tower(4, 1);
  EXPECT_TRUE(says(
      error_of([&] { CalibratedHead(tower, tower); }), {"the same module"}));
  CalibratedHead wide(torch::nn::Linear(4, 2), tower);
  const auto x = torch::zeros({3, 4});
  EXPECT_TRUE(says(
      error_of([&] { wide->forward({{"own", x}, {"previous", x}}); }),
      {"CalibratedHead: expected a logit [B, 1] of the own tower", "[3, 2]"}));
}

TEST(AITM, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] { AITM(NetworkFactory(), AITMOptions(4)); }),
      {"AITM: expected a function that makes bottoms"}));
  EXPECT_TRUE(says(
      error_of([] { AITM(aitm_bottom, AITMOptions(0)); }),
      {"AITM: expected a width of at least 1", "0"}));
  MultiTaskModel model = aitm_model(AITMOptions(3));
  EXPECT_TRUE(says(
      error_of([&] { model->forward_task(torch::zeros({2, 5}), "a b"); }),
      {"AITM: expected the bottom of task 'a b' to give [B, 3]", "[2, 4]"}));
  EXPECT_TRUE(says(
      error_of([&] { model->forward(torch::zeros({2, 7})); }),
      {"AITM: the bottom of task 'a b' cannot take", "[2, 7]"}));
}

TEST(AITM, GoesWhereAutogradGoesByAnyRoute) {
  testing::expect_routes_agree(aitm_model(), aitm_batch());
  testing::expect_routes_agree(calibrated_model(), aitm_batch());
}

TEST(AITM, PrintsAConstructorCall) {
  std::ostringstream text;
  aitm_model()->sharing().pretty_print(text);
  EXPECT_EQ(
      text.str(),
      "polytask::AITM(width=4, attention=kPerStep, stop_gradient=false)");
}

} // namespace
} // namespace polytask
