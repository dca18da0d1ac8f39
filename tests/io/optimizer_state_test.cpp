// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/optimizer_state.h>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/io/python_file.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/serialize/output-archive.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask::io {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::same_bits;
using testing::says;
using torch::optim::Adagrad;
using torch::optim::Adam;
using torch::optim::AdamOptions;
using torch::optim::AdamParamState;
using torch::optim::AdamW;
using torch::optim::AdamWOptions;
using torch::optim::LBFGS;
using torch::optim::Optimizer;
using torch::optim::OptimizerParamGroup;
using torch::optim::RMSprop;
using torch::optim::SGD;
using torch::optim::SGDOptions;
using torch::optim::SGDParamState;

using OptimizerDict = c10::impl::GenericDict;
using ParameterGroups = std::vector<std::vector<at::Tensor>>;

struct PythonOptimizerCase {
  std::string name;
  std::function<std::unique_ptr<Optimizer>(
      const std::vector<OptimizerParamGroup>&)>
      make;
};

template <typename Kind, typename Options>
PythonOptimizerCase python_optimizer_case(const char* name, Options options) {
  return {name, [options](const std::vector<OptimizerParamGroup>& groups) {
            return std::make_unique<Kind>(groups, options);
          }};
}

std::vector<PythonOptimizerCase> python_optimizer_cases() {
  const auto sgd =
      SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01);
  const auto damped = SGDOptions(0.1).momentum(0.8).dampening(0.3);
  const auto adam = AdamOptions(0.01).betas({0.8, 0.95}).weight_decay(0.02);
  const auto adamw = AdamWOptions(0.01).eps(1e-6);
  return {
      python_optimizer_case<SGD>("SGD", sgd),
      python_optimizer_case<SGD>("SGDDamped", damped),
      python_optimizer_case<SGD>("SGDPlain", SGDOptions(0.1)),
      python_optimizer_case<Adam>("Adam", adam),
      python_optimizer_case<Adam>("AdamMax", AdamOptions(adam).amsgrad(true)),
      python_optimizer_case<AdamW>("AdamW", adamw),
      python_optimizer_case<optim::FusedSGD>("FusedSGD", sgd),
      python_optimizer_case<optim::FusedSGD>("FusedSGDDamped", damped),
      python_optimizer_case<optim::FusedAdam>("FusedAdam", adam),
      python_optimizer_case<optim::FusedAdamW>("FusedAdamW", adamw),
      python_optimizer_case<optim::FusedAdamW>(
          "FusedAdamWMax", AdamWOptions(adamw).amsgrad(true)),
  };
}

torch::nn::Sequential trained_net(torch::Dtype dtype = torch::kFloat) {
  torch::manual_seed(5);
  torch::nn::Sequential net(
      torch::nn::Linear(3, 40), torch::nn::Tanh(), torch::nn::Linear(40, 2));
  net->to(dtype);
  return net;
}

torch::nn::Sequential copy_of_net(const torch::nn::Sequential& net) {
  return torch::nn::Sequential(
      std::dynamic_pointer_cast<torch::nn::SequentialImpl>(net->clone()));
}

at::Tensor parameter_named(
    const torch::nn::Module& module, const std::string& name) {
  return module.named_parameters()[name];
}

ParameterGroups groups_named(
    const torch::nn::Module& module,
    const std::vector<std::vector<std::string>>& names) {
  ParameterGroups groups;
  for (const auto& each : names) {
    auto& group = groups.emplace_back();
    for (const auto& name : each) {
      group.push_back(parameter_named(module, name));
    }
  }
  return groups;
}

const std::vector<std::vector<std::string>> kTwoGroups{
    {"0.weight", "2.weight"}, {"0.bias", "2.bias"}};

// Each group with a learning rate of its own.
std::unique_ptr<Optimizer> optimizer_of(
    const PythonOptimizerCase& kind, const ParameterGroups& groups) {
  std::vector<OptimizerParamGroup> made;
  for (const auto& group : groups) {
    made.emplace_back(group);
  }
  auto optimizer = kind.make(made);
  double share = 1;
  for (auto& group : optimizer->param_groups()) {
    group.options().set_lr(group.options().get_lr() * share);
    share /= 3;
  }
  return optimizer;
}

void spoil_rates(Optimizer& optimizer) {
  for (auto& group : optimizer.param_groups()) {
    group.options().set_lr(17);
  }
}

std::unique_ptr<Optimizer> sgd_of(
    const ParameterGroups& groups, SGDOptions options) {
  return optimizer_of(python_optimizer_case<SGD>("", options), groups);
}

std::unique_ptr<Optimizer> adam_of(
    const ParameterGroups& groups, AdamOptions options = {}) {
  return optimizer_of(python_optimizer_case<Adam>("", options), groups);
}

void take_seeded_steps(
    torch::nn::Sequential& net, Optimizer& optimizer, int steps, int first) {
  for (int step = first; step < first + steps; ++step) {
    torch::manual_seed(step);
    const auto dtype = net->parameters().front().scalar_type();
    const auto x = torch::rand({6, 3}).to(dtype);
    optimizer.zero_grad();
    (net->forward(x) - 1).square().mean().backward();
    optimizer.step();
  }
}

std::string optimizer_bytes(const Optimizer& optimizer) {
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  std::ostringstream bytes;
  archive.save_to(bytes);
  return bytes.str();
}

OptimizerDict group_in(const c10::IValue& dict, size_t index) {
  const c10::IValue groups = dict.toGenericDict().at("param_groups");
  return groups.toListRef()[index].toGenericDict();
}

OptimizerDict states_in(const c10::IValue& dict) {
  return dict.toGenericDict().at("state").toGenericDict();
}

OptimizerDict state_in(const c10::IValue& dict, int64_t number) {
  return states_in(dict).at(number).toGenericDict();
}

std::vector<std::string> text_keys(const OptimizerDict& dict) {
  std::vector<std::string> keys;
  for (const auto& entry : dict) {
    keys.push_back(entry.key().toStringRef());
  }
  return keys;
}

void remove_key(const OptimizerDict& dict, const c10::IValue& key) {
  EXPECT_EQ(dict.erase(key), 1);
}

void drop_names(const c10::IValue& dict) {
  const c10::IValue groups = dict.toGenericDict().at("param_groups");
  for (const c10::IValue& group : groups.toListRef()) {
    remove_key(group.toGenericDict(), "param_names");
  }
}

void rename_parameters(
    const c10::IValue& dict, size_t group, c10::List<std::string> names) {
  group_in(dict, group).insert_or_assign("param_names", std::move(names));
}

c10::IValue through_a_file(const c10::IValue& dict) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->name()) + ".optimizer_state.pt";
  std::replace(name.begin(), name.end(), '/', '_');
  write_python(name, dict);
  auto read = read_python(name);
  std::filesystem::remove(name);
  return read;
}

// What goes wrong leaves the optimizer as it was, to the bit.
std::string load_error(
    Optimizer& optimizer,
    const torch::nn::Module& module,
    const c10::IValue& dict) {
  const std::string before = optimizer_bytes(optimizer);
  std::string error =
      error_of([&] { load_optimizer_state_dict(optimizer, module, dict); });
  EXPECT_EQ(optimizer_bytes(optimizer), before);
  return error;
}

class OptimizerState : public ::testing::TestWithParam<PythonOptimizerCase> {
 protected:
  std::unique_ptr<Optimizer> make(
      const torch::nn::Sequential& net,
      const std::vector<std::vector<std::string>>& names = kTwoGroups) const {
    return optimizer_of(GetParam(), groups_named(*net, names));
  }

  void expect_to_go_on(
      torch::Dtype dtype,
      const std::vector<std::vector<std::string>>& other_groups,
      bool with_names) const {
    auto net = trained_net(dtype);
    auto optimizer = make(net);
    take_seeded_steps(net, *optimizer, 3, 0);

    auto twin = copy_of_net(net);
    auto other = make(twin, other_groups);
    spoil_rates(*other);
    auto dict = through_a_file(optimizer_state_dict(*optimizer, *net));
    if (!with_names) {
      drop_names(dict);
    }
    load_optimizer_state_dict(*other, *twin, dict);
    EXPECT_EQ(
        other->param_groups()[1].options().get_lr(),
        optimizer->param_groups()[1].options().get_lr());

    take_seeded_steps(net, *optimizer, 3, 3);
    take_seeded_steps(twin, *other, 3, 3);
    EXPECT_TRUE(same_bits(net->parameters(), twin->parameters()));
  }
};

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    OptimizerState,
    ::testing::ValuesIn(python_optimizer_cases()),
    [](const auto& tested) { return tested.param.name; });

TEST_P(OptimizerState, GoesOnToTheBit) {
  expect_to_go_on(torch::kFloat, kTwoGroups, /*with_names=*/true);
}

TEST_P(OptimizerState, GoesOnToTheBitInDouble) {
  expect_to_go_on(torch::kDouble, kTwoGroups, /*with_names=*/true);
}

TEST_P(OptimizerState, GoesOnToTheBitByOrder) {
  expect_to_go_on(torch::kFloat, kTwoGroups, /*with_names=*/false);
}

TEST_P(OptimizerState, GoesOnToTheBitInAnotherOrder) {
  expect_to_go_on(
      torch::kFloat,
      {{"2.weight", "0.weight"}, {"2.bias", "0.bias"}},
      /*with_names=*/true);
}

TEST_P(OptimizerState, GivesTheSameDictAgain) {
  auto net = trained_net();
  auto optimizer = make(net);
  take_seeded_steps(net, *optimizer, 2, 0);
  const std::string bytes = optimizer_bytes(*optimizer);
  const auto dict = through_a_file(optimizer_state_dict(*optimizer, *net));
  load_optimizer_state_dict(*optimizer, *net, dict);
  EXPECT_EQ(optimizer_bytes(*optimizer), bytes);
}

TEST_P(OptimizerState, OfAFreshOneIsEmptyAndEmptiesAnother) {
  auto net = trained_net();
  auto stepped = make(net);
  take_seeded_steps(net, *stepped, 1, 0);
  const auto dict = optimizer_state_dict(*make(net), *net);
  EXPECT_TRUE(states_in(dict).empty());
  load_optimizer_state_dict(*stepped, *net, through_a_file(dict));
  EXPECT_TRUE(stepped->state().empty());
}

TEST_P(OptimizerState, HasNothingOfWhatWasNeverStepped) {
  auto net = trained_net();
  auto optimizer = make(net);
  parameter_named(*net, "2.weight").requires_grad_(false);
  take_seeded_steps(net, *optimizer, 2, 0);
  auto other = make(net);
  load_optimizer_state_dict(
      *other, *net, through_a_file(optimizer_state_dict(*optimizer, *net)));
  EXPECT_EQ(other->state().size(), optimizer->state().size());
  EXPECT_EQ(
      other->state().count(
          parameter_named(*net, "2.weight").unsafeGetTensorImpl()),
      0);
}

TEST_P(OptimizerState, StaysAsItWasWhenTheLastShapeIsWrong) {
  auto net = trained_net();
  auto optimizer = make(net);
  take_seeded_steps(net, *optimizer, 2, 0);
  const auto dict = through_a_file(optimizer_state_dict(*optimizer, *net));
  group_in(dict, 0).insert_or_assign("lr", 0.5);
  // Plain SGD has no state.
  const bool is_plain = states_in(dict).empty();
  const auto state = is_plain ? group_in(dict, 0).copy() : state_in(dict, 3);
  const std::string key =
      is_plain ? "momentum_buffer" : text_keys(state).back();
  if (is_plain) {
    state.clear();
    states_in(dict).insert(3, state);
  }
  state.insert_or_assign(key, torch::zeros({2, 2}));
  EXPECT_TRUE(says(
      load_error(*optimizer, *net, dict),
      {"load_optimizer_state_dict: parameter '2.bias': expected '" + key +
       "' of shape [2], but found [2, 2]"}));
}

TEST_P(OptimizerState, OfLibTorchAndOfTheFusedAreOne) {
  auto net = trained_net();
  auto optimizer = make(net);
  take_seeded_steps(net, *optimizer, 2, 0);
  const auto groups = groups_named(*net, kTwoGroups);
  const std::string name = GetParam().name;
  const auto kind = name.find("SGD") != std::string::npos
      ? python_optimizer_case<optim::FusedSGD>("", SGDOptions(1))
      : name.find("AdamW") != std::string::npos
      ? python_optimizer_case<optim::FusedAdamW>("", AdamWOptions())
      : python_optimizer_case<optim::FusedAdam>("", AdamOptions());
  auto other = optimizer_of(kind, groups);
  load_optimizer_state_dict(
      *other, *net, optimizer_state_dict(*optimizer, *net));
  EXPECT_EQ(optimizer_bytes(*other), optimizer_bytes(*optimizer));
}

// ---- What is written

TEST(OptimizerStateDict, HasWhatPythonsAdamHas) {
  auto net = trained_net();
  auto adam =
      adam_of(groups_named(*net, kTwoGroups), AdamOptions(0.3).amsgrad(true));
  take_seeded_steps(net, *adam, 2, 0);
  const auto dict = optimizer_state_dict(*adam, *net);
  EXPECT_THAT(
      text_keys(group_in(dict, 1)),
      ElementsAre(
          "lr",
          "betas",
          "eps",
          "weight_decay",
          "amsgrad",
          "maximize",
          "foreach",
          "capturable",
          "differentiable",
          "fused",
          "decoupled_weight_decay",
          "param_names",
          "params"));
  EXPECT_TRUE(group_in(dict, 1).at("betas").isTuple());
  EXPECT_EQ(group_in(dict, 1).at("lr").toDouble(), 0.3 / 3);
  EXPECT_THAT(group_in(dict, 1).at("params").toIntVector(), ElementsAre(2, 3));
  EXPECT_THAT(
      text_keys(state_in(dict, 3)),
      ElementsAre("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"));
  const at::Tensor step = state_in(dict, 3).at("step").toTensor();
  EXPECT_EQ(step.scalar_type(), torch::kFloat);
  EXPECT_EQ(step.dim(), 0);
  EXPECT_EQ(step.item<float>(), 2);
}

TEST(OptimizerStateDict, SaysOfAdamWThatItDecaysApart) {
  const torch::nn::Linear net(2, 1);
  const AdamW adamw(net->parameters());
  const auto group = group_in(optimizer_state_dict(adamw, *net), 0);
  EXPECT_TRUE(group.at("decoupled_weight_decay").toBool());
  EXPECT_EQ(group.at("weight_decay").toDouble(), 0.01);
}

TEST(OptimizerStateDict, HasWhatPythonsSGDHas) {
  auto net = trained_net();
  auto sgd = sgd_of(groups_named(*net, kTwoGroups), SGDOptions(1).momentum(1));
  take_seeded_steps(net, *sgd, 1, 0);
  const auto dict = optimizer_state_dict(*sgd, *net);
  EXPECT_THAT(
      text_keys(group_in(dict, 0)),
      ElementsAre(
          "lr",
          "momentum",
          "dampening",
          "weight_decay",
          "nesterov",
          "maximize",
          "foreach",
          "differentiable",
          "fused",
          "param_names",
          "params"));
  EXPECT_THAT(text_keys(state_in(dict, 0)), ElementsAre("momentum_buffer"));
}

TEST(OptimizerStateDict, CountsStepsBeyondWhatAFloatCan) {
  constexpr int64_t kMany = (1 << 24) + 1;
  const torch::nn::Linear net(2, 1);
  Adam adam(net->parameters());
  net->weight.mutable_grad() = torch::ones({1, 2});
  adam.step();
  static_cast<AdamParamState&>(*adam.state().begin()->second).step(kMany);
  const auto dict = through_a_file(optimizer_state_dict(adam, *net));
  load_optimizer_state_dict(adam, *net, dict);
  EXPECT_EQ(
      static_cast<AdamParamState&>(*adam.state().begin()->second).step(),
      kMany);
}

TEST(OptimizerStateDict, BeginsTheMaximumWhereAmsgradWasSetLater) {
  const torch::nn::Linear net(2, 1);
  optim::FusedAdam adam(net->parameters());
  net->weight.mutable_grad() = torch::ones({1, 2});
  adam.step();
  static_cast<AdamOptions&>(adam.param_groups()[0].options()).amsgrad(true);
  const auto dict = optimizer_state_dict(adam, *net);
  EXPECT_TRUE(state_in(dict, 0)
                  .at("max_exp_avg_sq")
                  .toTensor()
                  .equal(torch::zeros({1, 2})));
}

// ---- Names

// One tensor by two names.
struct TiedWeightImpl : torch::nn::Module {
  TiedWeightImpl()
      : weight(register_parameter("weight", torch::ones({2, 3}))),
        bias(register_parameter("bias", torch::ones({2}))) {
    register_parameter("tied", weight);
  }
  at::Tensor weight;
  at::Tensor bias;
};

void step_by_ones(Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params()) {
      parameter.mutable_grad() = torch::ones_like(parameter);
    }
  }
  optimizer.step();
}

TEST(OptimizerStateNames, OfATiedParameterAreTheFirstAndAnyIsTaken) {
  const TiedWeightImpl net;
  auto adam = adam_of({{net.weight, net.bias}});
  step_by_ones(*adam);
  const auto dict = optimizer_state_dict(*adam, net);
  EXPECT_EQ(states_in(dict).size(), 2);
  EXPECT_EQ(
      group_in(dict, 0).at("param_names").toListRef()[0].toStringRef(),
      "weight");
  const std::string bytes = optimizer_bytes(*adam);
  adam->state().clear();
  rename_parameters(dict, 0, {"tied", "bias"});
  load_optimizer_state_dict(*adam, net, dict);
  EXPECT_EQ(optimizer_bytes(*adam), bytes);
}

TEST(OptimizerStateNames, OfATiedParameterMayNotBeTwoInTheDict) {
  const TiedWeightImpl net;
  auto adam = adam_of({{net.weight, net.bias}});
  const auto dict = optimizer_state_dict(*adam, net);
  rename_parameters(dict, 0, {"weight", "tied"});
  EXPECT_TRUE(says(
      load_error(*adam, net, dict),
      {"'weight' and 'tied' are one parameter of the module, but two"}));
}

TEST(OptimizerStateNames, FindEachStateInOtherGroups) {
  auto net = trained_net();
  auto one = adam_of(
      groups_named(*net, {{"2.bias", "0.weight", "2.weight", "0.bias"}}));
  take_seeded_steps(net, *one, 2, 0);
  auto many = adam_of(
      groups_named(*net, {{"0.bias"}, {"2.weight", "2.bias"}, {"0.weight"}}),
      AdamOptions(7).eps(0.1));
  load_optimizer_state_dict(
      *many, *net, through_a_file(optimizer_state_dict(*one, *net)));
  EXPECT_EQ(many->param_groups()[2].options().get_lr(), 1e-3);
  auto twin = copy_of_net(net);
  auto again = adam_of(
      groups_named(*twin, {{"2.bias", "0.weight", "2.weight", "0.bias"}}));
  load_optimizer_state_dict(*again, *twin, optimizer_state_dict(*many, *net));
  take_seeded_steps(net, *one, 2, 2);
  take_seeded_steps(twin, *again, 2, 2);
  EXPECT_TRUE(same_bits(net->parameters(), twin->parameters()));
}

TEST(OptimizerStateNames, MayNotMixGroupsOfOtherOptions) {
  auto net = trained_net();
  auto two = adam_of(groups_named(*net, kTwoGroups));
  const auto dict = optimizer_state_dict(*two, *net);
  auto one = adam_of(
      groups_named(*net, {{"0.weight", "0.bias", "2.weight", "2.bias"}}));
  EXPECT_TRUE(says(
      load_error(*one, *net, dict),
      {"group 0 of the optimizer holds '0.weight' and '0.bias'",
       "different 'lr'"}));
  group_in(dict, 1).insert_or_assign("lr", 1e-3);
  EXPECT_EQ(load_error(*one, *net, dict), "");
}

TEST(OptimizerStateNames, AreListedWhereTheyAreMissingOrUnexpected) {
  auto net = trained_net();
  auto adam = adam_of(groups_named(*net, kTwoGroups));
  const auto dict = optimizer_state_dict(*adam, *net);
  rename_parameters(dict, 0, {"0.weight", "trunk.weight"});
  rename_parameters(dict, 1, {"module.0.bias", "2.bias"});
  EXPECT_TRUE(says(
      load_error(*adam, *net, dict),
      {"missing in the state dict: '2.weight', '0.bias'",
       "unexpected, as the optimizer has none of that name: "
       "'module.0.bias', 'trunk.weight'"}));
}

TEST(OptimizerStateNames, OfWhatTheOptimizerDoesNotHoldAreUnexpected) {
  auto net = trained_net();
  auto all = adam_of(groups_named(*net, kTwoGroups));
  const auto dict = optimizer_state_dict(*all, *net);
  auto few = adam_of(groups_named(*net, {{"0.weight"}, {"2.bias", "0.bias"}}));
  EXPECT_TRUE(says(
      load_error(*few, *net, dict),
      {"missing in the state dict: none", "of that name: '2.weight'"}));
}

TEST(OptimizerStateNames, AreAllThereOrNone) {
  auto net = trained_net();
  auto adam = adam_of(groups_named(*net, kTwoGroups));
  const auto dict = optimizer_state_dict(*adam, *net);
  remove_key(group_in(dict, 1), "param_names");
  EXPECT_TRUE(says(
      load_error(*adam, *net, dict),
      {"some groups of the state dict have 'param_names' and some"}));
}

TEST(OptimizerStateNames, OfAGroupWithoutParametersLeaveItsOptions) {
  const torch::nn::Linear net(2, 1);
  auto adam = adam_of({{}, {net->weight, net->bias}});
  const auto dict = optimizer_state_dict(*adam, *net);
  spoil_rates(*adam);
  load_optimizer_state_dict(*adam, *net, dict);
  EXPECT_EQ(adam->param_groups()[0].options().get_lr(), 17);
  EXPECT_EQ(adam->param_groups()[1].options().get_lr(), 1e-3 / 3);
}

// ---- What is taken, and what is not

// An Adam of "weight" [1, 2] and "bias" [1], and its dict.
class OneLinearState : public ::testing::Test {
 protected:
  OneLinearState() {
    step_by_ones(*adam);
    dict = through_a_file(optimizer_state_dict(*adam, *net));
  }
  OptimizerDict group() const {
    return group_in(dict, 0);
  }
  OptimizerDict state() const {
    return state_in(dict, 0);
  }
  std::string error() {
    return load_error(*adam, *net, dict);
  }
  void load() {
    load_optimizer_state_dict(*adam, *net, dict);
  }
  const AdamOptions& options() const {
    return static_cast<const AdamOptions&>(adam->param_groups()[0].options());
  }
  const AdamParamState& loaded() const {
    return static_cast<const AdamParamState&>(
        *adam->state().at(net->weight.unsafeGetTensorImpl()));
  }

  torch::nn::Linear net{2, 1};
  std::unique_ptr<Optimizer> adam = adam_of({{net->weight, net->bias}});
  c10::IValue dict;
};

TEST_F(OneLinearState, MayHoldNaN) {
  state().at("exp_avg").toTensor().fill_(
      std::numeric_limits<double>::quiet_NaN());
  load();
  EXPECT_TRUE(loaded().exp_avg().isnan().all().item<bool>());
}

TEST_F(OneLinearState, IsCopied) {
  load();
  state().at("exp_avg").toTensor().fill_(9);
  EXPECT_LT(loaded().exp_avg().max().item<double>(), 1);
}

TEST_F(OneLinearState, BecomesOfTheParametersDtype) {
  net->to(torch::kDouble);
  load();
  EXPECT_EQ(loaded().exp_avg().scalar_type(), torch::kDouble);
  step_by_ones(*adam);
  EXPECT_EQ(loaded().step(), 2);
}

TEST_F(OneLinearState, IsLaidOutAsTheParameter) {
  torch::nn::Conv2d conv(2, 3, 2);
  conv->weight.set_data(
      conv->weight.contiguous(at::MemoryFormat::ChannelsLast));
  auto own = adam_of({{conv->weight, conv->bias}});
  step_by_ones(*own);
  dict = optimizer_state_dict(*own, *conv);
  const at::Tensor average = state().at("exp_avg").toTensor();
  state().insert_or_assign("exp_avg", average.contiguous());
  load_optimizer_state_dict(*own, *conv, dict);
  EXPECT_EQ(
      static_cast<const AdamParamState&>(
          *own->state().at(conv->weight.unsafeGetTensorImpl()))
          .exp_avg()
          .strides(),
      conv->weight.strides());
}

TEST_F(OneLinearState, TakesTensorsOfOneElementAsNumbers) {
  group().insert_or_assign("lr", torch::full({1}, 0.25));
  state().insert_or_assign("step", 7);
  load();
  EXPECT_EQ(options().lr(), 0.25);
  EXPECT_EQ(loaded().step(), 7);
}

TEST_F(OneLinearState, TakesOptionsThatChangeNoResult) {
  for (const auto* key : {"foreach", "fused", "capturable", "differentiable"}) {
    group().insert_or_assign(key, true);
  }
  group().insert_or_assign("initial_lr", 0.5);
  group().insert_or_assign("betas", c10::List<double>{0.5, 0.75});
  group().insert_or_assign("decoupled_weight_decay", true);
  load();
  EXPECT_EQ(options().betas(), std::make_tuple(0.5, 0.75));
}

TEST_F(OneLinearState, TakesNoMaximize) {
  group().insert_or_assign("maximize", true);
  EXPECT_TRUE(says(error(), {"group 0 of the state dict: 'maximize' is set"}));
}

TEST_F(OneLinearState, TakesNoDecayOfAdamW) {
  group().insert_or_assign("weight_decay", 0.1);
  group().insert_or_assign("decoupled_weight_decay", true);
  EXPECT_TRUE(says(error(), {"its weight decay is an AdamW's, not an Adam's"}));
}

TEST_F(OneLinearState, HasNoDecayForAdamW) {
  AdamW adamw(net->parameters());
  group().insert_or_assign("weight_decay", 0.1);
  EXPECT_TRUE(says(
      load_error(adamw, *net, dict),
      {"its weight decay is an Adam's, not an AdamW's"}));
}

TEST_F(OneLinearState, TakesOptionsInLibTorchsRangeAlone) {
  group().insert_or_assign("lr", -1.0);
  EXPECT_TRUE(
      says(error(), {"group 0 of the state dict: Invalid learning rate: -1"}));
}

TEST_F(OneLinearState, IsRefusedByAnSGDForWhatIsMissing) {
  SGD sgd(net->parameters(), SGDOptions(1).momentum(0.5));
  EXPECT_TRUE(says(
      load_error(sgd, *net, dict),
      {"it has no 'momentum', 'dampening', 'nesterov', as an SGD's has"}));
}

TEST_F(OneLinearState, TakesNoDictOfAnSGD) {
  const SGD sgd(net->parameters(), SGDOptions(1).momentum(0.5));
  dict = optimizer_state_dict(sgd, *net);
  EXPECT_TRUE(
      says(error(), {"it has no 'betas', 'eps', 'amsgrad', as an Adam's has"}));
}

TEST_F(OneLinearState, NeedsTheMaximumForAmsgrad) {
  group().insert_or_assign("amsgrad", true);
  EXPECT_TRUE(
      says(error(), {"parameter 'weight': its state has no 'max_exp_avg_sq'"}));
}

TEST_F(OneLinearState, TakesNoEntryOfAnotherKind) {
  state().insert_or_assign("mu_product", 1.0);
  EXPECT_TRUE(says(error(), {"parameter 'weight'", "mu_product"}));
}

TEST_F(OneLinearState, TakesNoIntegersForMoments) {
  state().insert_or_assign("exp_avg", torch::zeros({1, 2}, torch::kLong));
  EXPECT_TRUE(says(error(), {"expected 'exp_avg' of numbers as", "Long"}));
  state().insert_or_assign(
      "exp_avg", torch::zeros({1, 2}, torch::kComplexFloat));
  EXPECT_TRUE(says(error(), {"expected 'exp_avg' of numbers as", "Complex"}));
}

TEST_F(OneLinearState, TakesNothingElseForMoments) {
  for (const c10::IValue& value :
       {c10::IValue(),
        c10::IValue(1.0),
        c10::IValue(at::Tensor()),
        c10::IValue(torch::zeros({1, 2}).to_sparse())}) {
    state().insert_or_assign("exp_avg", value);
    EXPECT_TRUE(says(error(), {"parameter 'weight': expected 'exp_avg' as"}));
  }
}

TEST_F(OneLinearState, CountsStepsInWholeNumbers) {
  for (const double step :
       {-1.0, 0.5, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    state().insert_or_assign("step", torch::tensor(step, torch::kDouble));
    EXPECT_TRUE(says(error(), {"expected 'step' as a whole number"}));
  }
  state().insert_or_assign("step", torch::zeros({2}));
  EXPECT_TRUE(says(error(), {"expected 'step' as a number"}));
}

TEST_F(OneLinearState, TakesNoOptionsOfAnotherType) {
  group().insert_or_assign("lr", "fast");
  EXPECT_TRUE(says(error(), {"expected 'lr' as a number, but found String"}));
  group().insert_or_assign("lr", 1);
  group().insert_or_assign("amsgrad", c10::IValue());
  EXPECT_TRUE(says(error(), {"expected 'amsgrad' as True or False"}));
  group().insert_or_assign("amsgrad", false);
  group().insert_or_assign("betas", 0.9);
  EXPECT_TRUE(says(error(), {"expected two numbers as 'betas'"}));
}

TEST_F(OneLinearState, WithoutNamesNeedsTheSameNumbersOfParameters) {
  drop_names(dict);
  group().insert_or_assign("params", c10::List<int64_t>{0, 1, 2});
  EXPECT_TRUE(says(
      error(),
      {"group 0 of the optimizer has 2 parameters, but that of the state dict "
       "3, without names"}));
  auto two = adam_of({{net->weight}, {net->bias}});
  EXPECT_TRUE(says(
      load_error(*two, *net, dict),
      {"the optimizer has 2 groups of parameters, but the state dict 1"}));
}

TEST_F(OneLinearState, TakesParametersByAnyNumbers) {
  drop_names(dict);
  const auto states = states_in(dict);
  states.insert_or_assign(7, states.at(1));
  remove_key(states, 1);
  group().insert_or_assign("params", c10::List<int64_t>{0, 7});
  const std::string bytes = optimizer_bytes(*adam);
  load();
  EXPECT_EQ(optimizer_bytes(*adam), bytes);
}

TEST_F(OneLinearState, TakesNothingThatIsNoStateDict) {
  EXPECT_TRUE(
      says(load_error(*adam, *net, 3), {"expected a dict with 'state' and"}));
  EXPECT_TRUE(says(
      load_error(*adam, *net, group()), {"of a checkpoint, pass that part"}));
  group().insert_or_assign("params", c10::List<int64_t>{0, 0});
  EXPECT_TRUE(says(error(), {"group 0 of the", "parameter 0 comes twice"}));
  group().insert_or_assign("params", c10::List<int64_t>{0});
  EXPECT_TRUE(says(error(), {"1 'params', but 2 'param_names'"}));
  rename_parameters(dict, 0, {"weight"});
  EXPECT_TRUE(says(error(), {"'state' has an entry 1, which no group has"}));
  group().insert_or_assign("params", c10::List<int64_t>{0, 1});
  rename_parameters(dict, 0, {"weight", "weight"});
  EXPECT_TRUE(says(error(), {"the name 'weight' comes twice"}));
  group().insert_or_assign("param_names", c10::List<int64_t>{0, 1});
  EXPECT_TRUE(says(error(), {"expected names in 'param_names'"}));
  group().insert_or_assign("param_names", "weight");
  EXPECT_TRUE(says(error(), {"expected 'param_names' as a list"}));
  group().insert_or_assign("params", c10::List<std::string>{"weight"});
  EXPECT_TRUE(says(error(), {"expected numbers in 'params'"}));
  remove_key(group(), "params");
  EXPECT_TRUE(says(error(), {"it has no list 'params'"}));
  const auto all = dict.toGenericDict();
  all.insert_or_assign("param_groups", c10::List<int64_t>{1});
  EXPECT_TRUE(says(error(), {"group 0 of the state dict: expected a dict"}));
  all.insert_or_assign("param_groups", 1);
  EXPECT_TRUE(says(error(), {"expected 'param_groups' as a list"}));
  states_in(dict).insert_or_assign("weight", 1);
  EXPECT_TRUE(says(error(), {"by the numbers of parameters", "weight"}));
  all.insert_or_assign("state", 1);
  EXPECT_TRUE(says(error(), {"expected 'state' as a dict"}));
}

TEST(OptimizerStateOf, PythonsSGDWithoutMomentumIsNone) {
  const torch::nn::Linear net(2, 1);
  auto sgd = sgd_of({{net->weight, net->bias}}, SGDOptions(1));
  const auto dict = optimizer_state_dict(*sgd, *net);
  OptimizerDict none(c10::StringType::get(), c10::AnyType::get());
  states_in(dict).insert(0, none.copy());
  none.insert("momentum_buffer", c10::IValue());
  states_in(dict).insert(1, none);
  load_optimizer_state_dict(*sgd, *net, dict);
  EXPECT_TRUE(sgd->state().empty());
}

// ---- Optimizers that are refused

template <typename Kind>
void expect_unknown(const char* name) {
  const torch::nn::Linear net(2, 1);
  Kind optimizer(net->parameters());
  const std::initializer_list<std::string> texts{
      "expected an SGD, Adam or AdamW, but the optimizer is '", name};
  EXPECT_TRUE(
      says(error_of([&] { optimizer_state_dict(optimizer, *net); }), texts));
  EXPECT_TRUE(says(
      error_of([&] { load_optimizer_state_dict(optimizer, *net, 1); }), texts));
}

TEST(OptimizerStateOf, OtherKindsIsUnknown) {
  expect_unknown<RMSprop>("RMSprop'");
  expect_unknown<Adagrad>("Adagrad'");
  expect_unknown<LBFGS>("LBFGS'");
}

TEST(OptimizerStateOf, ForeignParametersIsRefusedByTheirPlace) {
  const torch::nn::Linear net(2, 1);
  const torch::nn::Linear other(5, 4);
  auto adam = adam_of({{net->weight}, {net->bias, other->weight}});
  const std::string error =
      error_of([&] { optimizer_state_dict(*adam, *net); });
  EXPECT_TRUE(says(
      error,
      {"optimizer_state_dict: parameter 1 of the optimizer's group 1, of shape "
       "[4, 5], is none of the module's"}));
}

TEST(OptimizerStateOf, AParameterThatIsHeldTwiceIsRefused) {
  const TiedWeightImpl net;
  auto adam = adam_of({net.parameters()});
  const std::string error = error_of([&] { optimizer_state_dict(*adam, net); });
  EXPECT_TRUE(says(error, {"the optimizer holds 'weight' twice"}));
}

// ---- On a device

class OptimizerStateDevice : public testing::EachDevice {};
POLYTASK_ON_EACH_DEVICE(OptimizerStateDevice);

TEST_P(OptimizerStateDevice, IsTheParametersAndCountsItsSteps) {
  torch::nn::Linear net(2, 1);
  net->to(device());
  optim::FusedAdam adam(net->parameters());
  step_by_ones(adam);
  const auto leave_a_step_out = [&] {
    adam.step_scaled(at::Tensor(), torch::ones({}, device()));
  };
  leave_a_step_out();
  const auto dict = through_a_file(optimizer_state_dict(adam, *net));
  EXPECT_EQ(state_in(dict, 0).at("step").toTensor().item<float>(), 1);

  // As many steps as the host believes that the device has counted.
  state_in(dict, 0).insert_or_assign("step", 2);
  leave_a_step_out();
  load_optimizer_state_dict(adam, *net, dict);
  const auto& state = static_cast<const AdamParamState&>(
      *adam.state().at(net->weight.unsafeGetTensorImpl()));
  EXPECT_EQ(state.exp_avg().device(), net->weight.device());
  step_by_ones(adam);
  adam.synchronize_steps();
  EXPECT_EQ(state.step(), 3);
}

// ---- With a training

TEST(OptimizerStateOf, ATrainingGoesOnToTheBit) {
  const auto batch = testing::make_shared_batch();
  const auto model = testing::make_shared_model();
  JointTraining joint(model, AdamOptions(0.01));
  joint.run(batch, 5);
  const MultiTaskModel twin = clone(model);
  JointTraining other(twin, AdamOptions(0.5));
  load_optimizer_state_dict(
      other.optimizer(),
      *twin,
      through_a_file(optimizer_state_dict(joint.optimizer(), *model)));
  joint.run(batch, 5);
  other.run(batch, 5);
  EXPECT_TRUE(same_bits(testing::snapshot(model), testing::snapshot(twin)));
}

TEST(OptimizerStateOf, InferenceModeCanBeSteppedOutsideOfIt) {
  auto net = trained_net();
  Adam adam(net->parameters(), AdamOptions(0.01));
  const auto step = [&] {
    adam.zero_grad();
    net->forward(torch::ones({4, 3})).sum().backward();
    adam.step();
  };
  step();
  const auto dict = optimizer_state_dict(adam, *net);
  {
    const c10::InferenceMode inference;
    load_optimizer_state_dict(adam, *net, dict);
  }
  EXPECT_NO_THROW(step());
}

} // namespace
} // namespace polytask::io
