// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/linear_task.h>
#include <polytask/task/losses/huber.h>
#include <polytask/training/joint_training.h>

#include "tests/support/balanced.h"
#include "tests/support/errors.h"
#include "tests/support/layer_kinds.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using torch::nn::Sequential;

using testing::LayerKind;

// Three tasks of different losses, one without a label in a row.
MultiTaskModel model_on(const Sequential& trunk, torch::ScalarType type) {
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", Task(torch::nn::Linear(8, 1), HuberLoss()).weight(0.3));
  model->add_task("c", LinearTask(8, 2));
  model->to(type);
  return model;
}

Batch batch_of(const torch::Tensor& input, torch::ScalarType type) {
  const int64_t rows = input.size(0);
  torch::Tensor some = torch::randn({rows, 1}, type);
  if (rows > 1) {
    some[1][0] = std::numeric_limits<double>::quiet_NaN();
  }
  return Batch(
      input,
      {{"a", torch::randn({rows, 1}, type)},
       {"b", some},
       {"c", torch::randn({rows, 2}, type)}});
}

// One of the two trainings that are compared.
struct Side {
  MultiTaskModel model;
  std::shared_ptr<testing::GramianProbe> gramian =
      std::make_shared<testing::GramianProbe>();
  std::shared_ptr<testing::JacobianProbe> jacobian =
      std::make_shared<testing::JacobianProbe>();
  std::optional<JointTraining> training;
  StepReport report;
  torch::Tensor random; // the generator's state after the step

  // `method` is that of the route which is compared.
  Side(const MultiTaskModel& given, Route route, Route method) : model(given) {
    std::shared_ptr<balancing::Balancing> balancing;
    if (method == Route::kLayerJacobian) {
      balancing = jacobian;
    } else if (method == Route::kLayerGramian) {
      balancing = gramian;
    } else {
      balancing = balancing::make(
          "constant", {{"weights", std::vector<double>{1, 1.5, 2}}});
    }
    training.emplace(
        model,
        // With ten times as much some kinds diverge, and then two routings of
        // a ReLU are far apart.
        torch::optim::SGDOptions(0.005),
        JointTrainingOptions().route(route).shared_balancing(balancing));
  }

  void step(const Batch& batch, uint64_t seed) {
    torch::manual_seed(seed);
    report = training->step(batch);
    random = at::detail::getDefaultCPUGenerator().get_state();
  }
};

::testing::AssertionResult is_close(
    const torch::Tensor& actual,
    const torch::Tensor& expected,
    const std::string& what) {
  if (actual.defined() != expected.defined() ||
      (actual.defined() && actual.sizes() != expected.sizes())) {
    return ::testing::AssertionFailure() << what << " is of another shape";
  }
  if (!actual.defined() || actual.numel() == 0) {
    return ::testing::AssertionSuccess();
  }
  const double tolerance =
      expected.scalar_type() == torch::kFloat ? 1e-4 : 1e-11;
  const double scale = std::max(1.0, expected.abs().max().item<double>());
  const double error = (actual - expected).abs().max().item<double>();
  if (!(error <= tolerance * scale)) {
    return ::testing::AssertionFailure() << what << " differs by " << error;
  }
  return ::testing::AssertionSuccess();
}

torch::Tensor values_of(const math::Matrix& matrix) {
  return torch::tensor(
      std::vector<double>(
          matrix.data(), matrix.data() + matrix.size() * matrix.size()),
      torch::kDouble);
}

void expect_equal(const Side& actual, const Side& expected) {
  EXPECT_TRUE(
      is_close(actual.report.losses, expected.report.losses, "the losses"));
  EXPECT_TRUE(
      is_close(actual.jacobian->seen, expected.jacobian->seen, "the Jacobian"));
  const auto scale = std::max<double>(
      1, actual.report.losses.to(torch::kDouble).max().item<double>());
  EXPECT_TRUE(is_close(
      values_of(actual.gramian->seen).to(actual.report.losses) / scale,
      values_of(expected.gramian->seen).to(actual.report.losses) / scale,
      "the Gramian"));
  const auto parameters = expected.model->named_parameters();
  for (const auto& entry : actual.model->named_parameters()) {
    EXPECT_TRUE(is_close(entry.value(), parameters[entry.key()], entry.key()));
    EXPECT_TRUE(is_close(
        entry.value().grad(),
        parameters[entry.key()].grad(),
        "the gradient of " + entry.key()));
  }
  const auto buffers = expected.model->named_buffers();
  for (const auto& entry : actual.model->named_buffers()) {
    EXPECT_TRUE(is_close(entry.value(), buffers[entry.key()], entry.key()));
  }
  EXPECT_TRUE(torch::equal(actual.random, expected.random))
      << "other numbers were drawn";
}

// The same steps by a route of known layers and by autograd's.
struct Pair {
  Side known;
  Side autograd;

  Pair(const MultiTaskModel& model, Route route)
      : known(model, route, route),
        autograd(testing::twin_of(model), Route::kAutograd, route) {}

  void step(const Batch& batch, uint64_t seed) {
    autograd.step(batch, seed);
    known.step(batch, seed);
    expect_equal(known, autograd);
  }
  // The module of the trunk, on both sides.
  template <typename Change>
  void change(size_t layer, const Change& change) {
    for (const Side* side : {&known, &autograd}) {
      change(*side->model->sharing().children()[0]->children()[layer]);
    }
  }
};

enum class Variant { kPlain, kFrozen, kStrided, kOneRow };

struct LayerCase {
  LayerKind kind;
  Route route;
  torch::ScalarType type;
  Variant variant;
};

class KnownLayers : public ::testing::TestWithParam<LayerCase> {};

TEST_P(KnownLayers, StepAsAutogradDoes) {
  const auto& [kind, route, type, variant] = GetParam();
  torch::manual_seed(3);
  const auto model = model_on(kind.trunk(), type);
  if (variant == Variant::kFrozen) {
    auto parameters = model->sharing().parameters();
    for (size_t i = 0; i < parameters.size(); i += 3) {
      parameters[i].requires_grad_(false);
    }
  }
  torch::Tensor input = kind.input(variant == Variant::kOneRow ? 1 : 6, type);
  if (variant == Variant::kStrided) {
    input = input.transpose(0, -1).contiguous().transpose(0, -1);
    ASSERT_FALSE(input.is_contiguous());
  }
  const auto batch = batch_of(input, type);
  Pair pair(model, route);
  for (uint64_t step = 0; step < 3; ++step) {
    pair.step(batch, 20 + step);
  }
  EXPECT_EQ(pair.known.training->route().route, route);
  EXPECT_EQ(pair.autograd.training->route().route, Route::kAutograd);
}

std::vector<LayerCase> layer_cases() {
  std::vector<LayerCase> cases;
  for (const auto& kind : testing::layer_kinds()) {
    for (const auto route :
         {Route::kLayerJacobian, Route::kLayerGramian, Route::kLayers}) {
      for (const auto type : {torch::kDouble, torch::kFloat}) {
        cases.push_back({kind, route, type, Variant::kPlain});
      }
      cases.push_back({kind, route, torch::kDouble, Variant::kFrozen});
    }
    cases.push_back(
        {kind, Route::kLayerGramian, torch::kDouble, Variant::kStrided});
    if (kind.takes_one_row) {
      cases.push_back(
          {kind, Route::kLayerJacobian, torch::kDouble, Variant::kOneRow});
    }
  }
  return cases;
}

std::string name_of(const LayerCase& given) {
  std::string name = given.kind.name + "_" + to_string(given.route) +
      (given.type == torch::kDouble ? "_double" : "_float");
  std::replace(name.begin(), name.end(), ' ', '_');
  switch (given.variant) {
    case Variant::kFrozen:
      return name + "_partly_frozen";
    case Variant::kStrided:
      return name + "_strided";
    case Variant::kOneRow:
      return name + "_one_row";
    default:
      return name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, KnownLayers, ::testing::ValuesIn(layer_cases()), [](const auto& each) {
      return name_of(each.param);
    });

// What a user changes after the training was made.
struct OptionChange {
  LayerKind kind;
  std::function<void(torch::nn::Module&)> change;
};

template <typename Impl>
Impl& as(torch::nn::Module& module) {
  return dynamic_cast<Impl&>(module);
}

std::vector<OptionChange> option_changes() {
  using namespace torch::nn;
  using LayerShape = std::vector<int64_t>;
  const auto kind = [](auto... given) { return LayerKind::of(given...); };
  return {
      {kind("leaky_relu", LayerShape{6}, LeakyReLU()),
       [](Module& it) { as<LeakyReLUImpl>(it).options.negative_slope(0.4); }},
      {kind("elu", LayerShape{6}, ELU()),
       [](Module& it) { as<ELUImpl>(it).options.alpha(0.4); }},
      {kind("gelu", LayerShape{6}, GELU()),
       [](Module& it) { as<GELUImpl>(it).options.approximate("tanh"); }},
      {kind("softplus", LayerShape{6}, Softplus()),
       [](Module& it) { as<SoftplusImpl>(it).options.beta(3); }},
      {kind("hardtanh", LayerShape{6}, Hardtanh()),
       [](Module& it) { as<HardtanhImpl>(it).options.max_val(0.1); }},
      {kind("layer_norm", LayerShape{6}, LayerNorm(LayerNormOptions({6}))),
       [](Module& it) { as<LayerNormImpl>(it).options.eps(0.5); }},
      {kind("batch_norm", LayerShape{6}, BatchNorm1d(6)),
       [](Module& it) {
         as<BatchNorm1dImpl>(it).options.eps(0.5).momentum(0.7);
       }},
      {kind("batch_norms_mode", LayerShape{6}, BatchNorm1d(6)),
       [](Module& it) { it.eval(); }},
      {kind("dropout", LayerShape{6}, Dropout(0.5)),
       [](Module& it) { as<DropoutImpl>(it).options.p(0.1); }},
      {kind("dropouts_mode", LayerShape{6}, Dropout(0.5)),
       [](Module& it) { it.eval(); }},
      {kind("max_pool", LayerShape{2, 4, 4}, MaxPool2d(2)),
       [](Module& it) {
         as<MaxPool2dImpl>(it).options.kernel_size(3).padding(1);
       }},
      {kind("avg_pool", LayerShape{2, 4, 4}, AvgPool2d(2)),
       [](Module& it) { as<AvgPool2dImpl>(it).options.kernel_size(1); }},
      {kind(
           "convolution",
           LayerShape{2, 4},
           Conv1d(Conv1dOptions(2, 3, 3).padding(torch::kSame))),
       [](Module& it) { as<Conv1dImpl>(it).options.padding(2).dilation(2); }},
  };
}

class ChangedLayers : public ::testing::TestWithParam<OptionChange> {};

TEST_P(ChangedLayers, StepAsAutogradDoesFromThenOn) {
  const auto& [kind, change] = GetParam();
  torch::manual_seed(4);
  const auto batch = batch_of(kind.input(6, torch::kDouble), torch::kDouble);
  Pair pair(model_on(kind.trunk(), torch::kDouble), Route::kLayerJacobian);
  pair.step(batch, 30);
  pair.change(1, change);
  pair.step(batch, 31);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ChangedLayers,
    ::testing::ValuesIn(option_changes()),
    [](const auto& each) { return each.param.kind.name; });

// Many rows: the tasks go down one after the other.
TEST(KnownLayersOfResiduals, TakeTheTasksInGroups) {
  torch::manual_seed(6);
  using torch::nn::Linear;
  const Sequential trunk(
      Linear(4, 64),
      Residual(Sequential(
          Linear(64, 64), Residual(torch::nn::Tanh()), Linear(64, 64))),
      Residual(torch::nn::ReLU()),
      Linear(64, 8),
      Residual(torch::nn::Tanh()));
  Pair pair(model_on(trunk, torch::kDouble), Route::kLayerJacobian);
  pair.step(
      batch_of(torch::randn({600, 4}, torch::kDouble), torch::kDouble), 1);
}

TEST(KnownLayersOfResiduals, RefuseAnotherShapeAsTheModuleDoes) {
  const Sequential trunk(
      torch::nn::Linear(4, 8), Residual(torch::nn::Linear(8, 1)));
  Side side(model_on(trunk, torch::kFloat), Route::kLayers, Route::kLayers);
  const auto batch = batch_of(torch::randn({6, 4}), torch::kFloat);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { side.training->step(batch); }),
      {"Residual", "[6, 8]", "[6, 1]"}));
}

// A layer with another one's input.
class WrongInputs : public ::testing::TestWithParam<LayerKind> {};

TEST_P(WrongInputs, AreAnErrorThatNamesTheLayerAndTheShape) {
  const Sequential trunk = GetParam().layers;
  const auto input = GetParam().input(6, torch::kFloat);
  Side side(model_on(trunk, torch::kFloat), Route::kLayers, Route::kLayers);
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { side.training->step(batch_of(input, torch::kFloat)); }),
      {GetParam().name + "Impl cannot take", c10::str(input.sizes())}));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    WrongInputs,
    ::testing::ValuesIn([] {
      using namespace torch::nn;
      using LayerShape = std::vector<int64_t>;
      const auto kind = [](auto... given) {
        return LayerKind::of(given..., Flatten(), Linear(8, 8));
      };
      return std::vector<LayerKind>{
          kind("Conv1d", LayerShape{3, 5}, Conv1d(2, 4, 2)),
          kind("Conv2d", LayerShape{2, 5, 1}, Conv2d(2, 4, 2)),
          kind("BatchNorm1d", LayerShape{4}, BatchNorm1d(5)),
          kind("BatchNorm2d", LayerShape{4, 3}, BatchNorm2d(4)),
          kind("LayerNorm", LayerShape{4}, LayerNorm(LayerNormOptions({5}))),
          kind("MaxPool2d", LayerShape{4}, MaxPool2d(2)),
          kind("AvgPool1d", LayerShape{4, 4, 4}, AvgPool1d(2)),
          kind(
              "Unflatten",
              LayerShape{7},
              Unflatten(UnflattenOptions(1, {2, 4}))),
          kind("EmbeddingBag", LayerShape{4, 2}, EmbeddingBag(9, 8)),
      };
    }()),
    [](const auto& each) { return each.param.name; });

// Trunks that the engine leaves to autograd.
class UnknownLayers : public ::testing::TestWithParam<LayerKind> {};

TEST_P(UnknownLayers, AreRefusedWhereTheirRouteIsAskedFor) {
  EXPECT_TRUE(testing::says(
      testing::error_of([&] {
        Side(
            model_on(GetParam().layers, torch::kFloat),
            Route::kLayers,
            Route::kLayers);
      }),
      {"cannot take this model", "among the layers that the engine knows"}));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    UnknownLayers,
    ::testing::ValuesIn([] {
      using namespace torch::nn;
      using LayerShape = std::vector<int64_t>;
      const auto kind = [](auto... given) { return LayerKind::of(given...); };
      return std::vector<LayerKind>{
          kind("Softsign", LayerShape{8}, Linear(8, 8), Softsign()),
          kind(
              "ReflectedConvolution",
              LayerShape{2, 4},
              Conv1d(Conv1dOptions(2, 4, 3).padding(1).padding_mode(
                  torch::kReflect))),
          kind(
              "RenormalizedBag",
              LayerShape{3},
              EmbeddingBag(EmbeddingBagOptions(5, 8).max_norm(1))),
          kind(
              "InAResidual",
              LayerShape{8},
              Residual(Sequential(Linear(8, 8), Softsign()))),
      };
    }()),
    [](const auto& each) { return each.param.name; });

TEST(KnownLayersOfAStep, AreLeftToAutogradWhereOneBecameAnother) {
  torch::manual_seed(4);
  torch::nn::Conv1d convolution(torch::nn::Conv1dOptions(2, 2, 3).padding(1));
  const Sequential trunk(
      convolution, torch::nn::Flatten(), torch::nn::Linear(8, 8));
  Side side(model_on(trunk, torch::kFloat), Route::kAuto, Route::kLayerGramian);
  const auto batch = batch_of(torch::randn({6, 2, 4}), torch::kFloat);
  side.step(batch, 1);
  EXPECT_NE(side.training->route().route, Route::kAutograd);
  convolution->options.padding_mode(torch::kCircular);
  side.step(batch, 1);
  EXPECT_TRUE(testing::says(side.training->route().reason, {"convolution"}));
}

} // namespace
} // namespace polytask
