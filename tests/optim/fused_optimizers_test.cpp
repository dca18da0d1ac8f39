// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <torch/serialize.h>
#include <torch/serialize/archive.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace polytask::optim {
namespace {

using torch::optim::Optimizer;
using torch::optim::OptimizerParamGroup;
using Tensors = std::vector<torch::Tensor>;

// A fused optimizer and LibTorch's with the same options.
struct FusedCase {
  using Make = std::function<std::unique_ptr<Optimizer>(
      const std::vector<OptimizerParamGroup>&)>;

  std::string name;
  Make own;
  Make libtorchs;
};

std::ostream& operator<<(std::ostream& stream, const FusedCase& each) {
  return stream << each.name;
}

template <typename Own, typename LibTorchs, typename Options>
FusedCase fused_case(std::string name, const Options& options) {
  return {
      std::move(name),
      [options](const auto& groups) {
        return std::make_unique<Own>(groups, options);
      },
      [options](const auto& groups) {
        return std::make_unique<LibTorchs>(groups, options);
      }};
}

FusedCase sgd_case(std::string name, const torch::optim::SGDOptions& options) {
  return fused_case<FusedSGD, torch::optim::SGD>("SGD" + name, options);
}

FusedCase adam_case(
    std::string name, const torch::optim::AdamOptions& options) {
  return fused_case<FusedAdam, torch::optim::Adam>("Adam" + name, options);
}

FusedCase adamw_case(
    std::string name, const torch::optim::AdamWOptions& options) {
  return fused_case<FusedAdamW, torch::optim::AdamW>("AdamW" + name, options);
}

// Sizes below, at and above a vector register, no elements, one that is
// transposed in memory, and one too large to be stepped by hand.
Tensors fused_parameters(at::ScalarType dtype = at::kFloat) {
  torch::manual_seed(3);
  Tensors parameters = {
      at::randn({7, 5}, dtype),
      at::randn({3}, dtype),
      at::randn({}, dtype),
      at::randn({4, 16}, dtype),
      at::randn({0, 2}, dtype),
      at::randn({6, 9}, dtype).t(),
      at::randn({129, 128}, dtype)};
  for (auto& parameter : parameters) {
    parameter.requires_grad_();
  }
  return parameters;
}

// The same gradients for the same `step`, in tensors of their own.
void set_gradients(const Tensors& parameters, int step) {
  torch::manual_seed(1000 + step);
  for (const auto& parameter : parameters) {
    parameter.mutable_grad() = at::zeros_like(parameter).copy_(
        at::randn(parameter.sizes(), parameter.options().requires_grad(false)));
  }
}

void take_steps(
    Optimizer& optimizer, const Tensors& parameters, int from, int to) {
  for (int step = from; step < to; ++step) {
    set_gradients(parameters, step);
    optimizer.step();
  }
}

double greatest_difference(const Tensors& some, const Tensors& others) {
  double greatest = 0;
  for (size_t i = 0; i < some.size(); ++i) {
    if (some[i].numel() > 0) {
      const auto difference = (some[i] - others[i]).abs().max();
      greatest = std::max(greatest, difference.item<double>());
    }
  }
  return greatest;
}

std::string archive_of(const Optimizer& optimizer) {
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  std::ostringstream stream;
  archive.save_to(stream);
  return stream.str();
}

void load_archive(Optimizer& optimizer, const std::string& text) {
  std::istringstream stream(text);
  torch::serialize::InputArchive archive;
  archive.load_from(stream);
  optimizer.load(archive);
}

class FusedOptimizer : public ::testing::TestWithParam<FusedCase> {};

TEST_P(FusedOptimizer, EqualsLibTorchsInSinglePrecision) {
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  take_steps(*GetParam().own({parameters}), parameters, 0, 100);
  take_steps(*GetParam().libtorchs({twins}), twins, 0, 100);
  const auto but_the_last = [](const Tensors& all) {
    return Tensors(all.begin(), all.end() - 1);
  };
  EXPECT_LT(
      greatest_difference(but_the_last(parameters), but_the_last(twins)), 1e-6);
  // The greatest of so many values is larger.
  EXPECT_LT(greatest_difference(parameters, twins), 3e-6);
  EXPECT_GT(greatest_difference(parameters, fused_parameters()), 1e-2);
}

TEST_P(FusedOptimizer, EqualsLibTorchsInDoublePrecision) {
  const Tensors parameters = fused_parameters(at::kDouble);
  const Tensors twins = fused_parameters(at::kDouble);
  take_steps(*GetParam().own({parameters}), parameters, 0, 100);
  take_steps(*GetParam().libtorchs({twins}), twins, 0, 100);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-12);
}

// bfloat16 goes LibTorch's way.
TEST_P(FusedOptimizer, StepsSeveralDtypesInOneGroup) {
  const auto mixed = [] {
    Tensors all = fused_parameters();
    const Tensors wide = fused_parameters(at::kDouble);
    const Tensors narrow = fused_parameters(at::kBFloat16);
    all.insert(all.begin() + 1, wide.begin(), wide.end());
    all.insert(all.begin() + 3, narrow.begin(), narrow.end());
    return all;
  };
  const Tensors parameters = mixed();
  const Tensors twins = mixed();
  take_steps(*GetParam().own({parameters}), parameters, 0, 20);
  take_steps(*GetParam().libtorchs({twins}), twins, 0, 20);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

// Now these have gradients, now those, as in alternating training.
TEST_P(FusedOptimizer, PassesOverParametersWithoutAGradient) {
  const auto take_alternating_steps = [](Optimizer& optimizer,
                                         const Tensors& parameters) {
    for (int step = 0; step < 40; ++step) {
      set_gradients(parameters, step);
      for (size_t i = 0; i < parameters.size(); ++i) {
        if ((step / 3 + static_cast<int>(i)) % 4 == 0) {
          parameters[i].mutable_grad().reset();
        }
      }
      optimizer.step();
    }
  };
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  take_alternating_steps(*GetParam().own({parameters}), parameters);
  take_alternating_steps(*GetParam().libtorchs({twins}), twins);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

TEST_P(FusedOptimizer, LeavesAParameterWithoutAGradientUntouched) {
  const Tensors parameters = fused_parameters();
  const auto optimizer = GetParam().own({parameters});
  take_steps(*optimizer, parameters, 0, 3);
  const torch::Tensor before = parameters[0].detach().clone();
  for (int step = 3; step < 6; ++step) {
    set_gradients(parameters, step);
    parameters[0].mutable_grad().reset();
    optimizer->step();
  }
  EXPECT_TRUE(at::equal(parameters[0], before));
}

TEST_P(FusedOptimizer, IsReadByLibTorchs) {
  const Tensors parameters = fused_parameters();
  const auto optimizer = GetParam().own({parameters});
  take_steps(*optimizer, parameters, 0, 10);

  Tensors copies;
  for (const auto& parameter : parameters) {
    copies.push_back(parameter.detach().clone().requires_grad_());
  }
  const auto reader = GetParam().libtorchs({copies});
  load_archive(*reader, archive_of(*optimizer));
  take_steps(*optimizer, parameters, 10, 20);
  take_steps(*reader, copies, 10, 20);
  EXPECT_LT(greatest_difference(parameters, copies), 1e-6);
}

TEST_P(FusedOptimizer, ReadsLibTorchs) {
  const Tensors parameters = fused_parameters();
  const auto optimizer = GetParam().libtorchs({parameters});
  take_steps(*optimizer, parameters, 0, 10);

  Tensors copies;
  for (const auto& parameter : parameters) {
    copies.push_back(parameter.detach().clone().requires_grad_());
  }
  const auto reader = GetParam().own({copies});
  // It has state of its own, which gives way.
  take_steps(*reader, copies, 50, 53);
  for (size_t i = 0; i < copies.size(); ++i) {
    copies[i].set_data(parameters[i].detach().clone());
  }
  load_archive(*reader, archive_of(*optimizer));
  take_steps(*optimizer, parameters, 10, 20);
  take_steps(*reader, copies, 10, 20);
  EXPECT_LT(greatest_difference(parameters, copies), 1e-6);
}

TEST_P(FusedOptimizer, GoesOnFromItsOwnArchiveBitForBit) {
  const Tensors parameters = fused_parameters();
  const auto optimizer = GetParam().own({parameters});
  take_steps(*optimizer, parameters, 0, 10);

  Tensors copies;
  for (const auto& parameter : parameters) {
    copies.push_back(parameter.detach().clone().requires_grad_());
  }
  const auto reader = GetParam().own({copies});
  load_archive(*reader, archive_of(*optimizer));
  take_steps(*optimizer, parameters, 10, 20);
  take_steps(*reader, copies, 10, 20);
  EXPECT_EQ(greatest_difference(parameters, copies), 0.0);
}

TEST_P(FusedOptimizer, TakesStateThatSomebodyElsePutsIn) {
  const auto with_swapped_state = [](Optimizer& optimizer,
                                     const Tensors& parameters) {
    take_steps(optimizer, parameters, 0, 5);
    auto saved =
        std::map<void*, std::unique_ptr<torch::optim::OptimizerParamState>>();
    for (const auto& [key, state] : optimizer.state()) {
      saved[key] = state->clone();
    }
    take_steps(optimizer, parameters, 5, 8);
    for (auto& [key, state] : saved) {
      if (key != parameters[1].unsafeGetTensorImpl()) {
        optimizer.state()[key] = std::move(state);
      }
    }
    optimizer.state().erase(parameters[1].unsafeGetTensorImpl());
    take_steps(optimizer, parameters, 8, 12);
  };
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  with_swapped_state(*GetParam().own({parameters}), parameters);
  with_swapped_state(*GetParam().libtorchs({twins}), twins);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

TEST_P(FusedOptimizer, FollowsRatesThatChange) {
  const auto with_changed_rate = [](Optimizer& optimizer,
                                    const Tensors& parameters) {
    take_steps(optimizer, parameters, 0, 5);
    optimizer.param_groups()[0].options().set_lr(0.3);
    take_steps(optimizer, parameters, 5, 8);
    optimizer.param_groups()[0].options().set_lr(0.0);
    take_steps(optimizer, parameters, 8, 10);
  };
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  with_changed_rate(*GetParam().own({parameters}), parameters);
  with_changed_rate(*GetParam().libtorchs({twins}), twins);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

TEST_P(FusedOptimizer, TakesInParametersAndGroupsThatAreAddedLater) {
  const auto in_parts = [](const FusedCase::Make& make,
                           const Tensors& parameters) {
    const auto optimizer =
        make({OptimizerParamGroup(Tensors{parameters[0], parameters[1]})});
    take_steps(*optimizer, parameters, 0, 3);
    OptimizerParamGroup group({parameters[2], parameters[3]});
    group.set_options(optimizer->defaults().clone());
    group.options().set_lr(0.2);
    optimizer->add_param_group(group);
    take_steps(*optimizer, parameters, 3, 6);
    auto& first = optimizer->param_groups()[0].params();
    first.insert(first.begin(), parameters[5]);
    take_steps(*optimizer, parameters, 6, 9);
    first.pop_back();
    take_steps(*optimizer, parameters, 9, 12);
  };
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  in_parts(GetParam().own, parameters);
  in_parts(GetParam().libtorchs, twins);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

TEST_P(FusedOptimizer, TakesGradientsOfAnyStrides) {
  const auto with_strided_gradients = [](Optimizer& optimizer,
                                         const Tensors& parameters) {
    for (int step = 0; step < 5; ++step) {
      torch::manual_seed(step);
      parameters[0].mutable_grad() = at::randn({5, 7}).t();
      parameters[1].mutable_grad() = at::randn({1}).expand({3});
      parameters[3].mutable_grad() =
          at::randn({8, 32}).slice(0, 0, 8, 2).slice(1, 0, 32, 2);
      parameters[5].mutable_grad() = at::randn({9, 6});
      optimizer.step();
    }
  };
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  with_strided_gradients(*GetParam().own({parameters}), parameters);
  with_strided_gradients(*GetParam().libtorchs({twins}), twins);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

TEST_P(FusedOptimizer, StepsParametersWithGapsInMemory) {
  const auto with_gaps = [] {
    torch::manual_seed(5);
    return Tensors{
        at::randn({8, 6}).slice(1, 0, 6, 2).requires_grad_(),
        at::randn({5}).requires_grad_()};
  };
  const Tensors parameters = with_gaps();
  const Tensors twins = with_gaps();
  take_steps(*GetParam().own({parameters}), parameters, 0, 5);
  take_steps(*GetParam().libtorchs({twins}), twins, 0, 5);
  EXPECT_LT(greatest_difference(parameters, twins), 1e-6);
}

TEST_P(FusedOptimizer, StepsComplexParametersAsLibTorchsDoes) {
  const auto complex = [] {
    torch::manual_seed(5);
    return Tensors{
        at::randn({5}, at::kComplexFloat).requires_grad_(),
        at::randn({5}).requires_grad_()};
  };
  const Tensors parameters = complex();
  const Tensors twins = complex();
  std::string error;
  std::string expected;
  try {
    take_steps(*GetParam().own({parameters}), parameters, 0, 5);
  } catch (const c10::Error& thrown) {
    error = thrown.what_without_backtrace();
  }
  try {
    take_steps(*GetParam().libtorchs({twins}), twins, 0, 5);
  } catch (const c10::Error& thrown) {
    expected = thrown.what_without_backtrace();
  }
  EXPECT_EQ(error, expected);
  EXPECT_LT(greatest_difference({parameters[0]}, {twins[0]}), 1e-6);
}

TEST_P(FusedOptimizer, RunsTheClosureWithGradients) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  const auto optimizer = GetParam().own({OptimizerParamGroup({parameter})});
  const torch::Tensor loss = optimizer->step([&] {
    auto made = parameter.square().sum();
    made.backward();
    return made;
  });
  EXPECT_EQ(loss.item<float>(), 2.0f);
  EXPECT_LT(parameter[0].item<float>(), 1.0f);
}

TEST_P(FusedOptimizer, KeepsNoGradientAlive) {
  const Tensors parameters = fused_parameters();
  const auto optimizer = GetParam().own({parameters});
  take_steps(*optimizer, parameters, 0, 3);
  EXPECT_EQ(parameters[0].grad().use_count(), 1u);
}

TEST_P(FusedOptimizer, HasTheStateOfLibTorchs) {
  const Tensors parameters = fused_parameters();
  const Tensors twins = fused_parameters();
  const auto own = GetParam().own({parameters});
  const auto libtorchs = GetParam().libtorchs({twins});
  take_steps(*own, parameters, 0, 3);
  take_steps(*libtorchs, twins, 0, 3);
  ASSERT_EQ(own->state().size(), libtorchs->state().size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto found = own->state().find(parameters[i].unsafeGetTensorImpl());
    const auto expected =
        libtorchs->state().find(twins[i].unsafeGetTensorImpl());
    ASSERT_EQ(
        found == own->state().end(), expected == libtorchs->state().end());
    if (found != own->state().end()) {
      const auto& state = *found->second;
      const auto& expected_state = *expected->second;
      EXPECT_EQ(typeid(state), typeid(expected_state));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options,
    FusedOptimizer,
    ::testing::Values(
        sgd_case("", torch::optim::SGDOptions(0.01)),
        sgd_case("Decay", torch::optim::SGDOptions(0.01).weight_decay(0.1)),
        sgd_case("Momentum", torch::optim::SGDOptions(0.01).momentum(0.9)),
        sgd_case(
            "Dampening",
            torch::optim::SGDOptions(0.01).momentum(0.9).dampening(0.3)),
        sgd_case(
            "Nesterov",
            torch::optim::SGDOptions(0.01).momentum(0.9).nesterov(true)),
        sgd_case(
            "DecayDampening",
            torch::optim::SGDOptions(0.01)
                .momentum(0.8)
                .dampening(0.3)
                .weight_decay(0.1)),
        sgd_case(
            "DecayNesterov",
            torch::optim::SGDOptions(0.01)
                .momentum(0.8)
                .weight_decay(0.1)
                .nesterov(true)),
        adam_case("", torch::optim::AdamOptions(0.01)),
        adam_case("Decay", torch::optim::AdamOptions(0.01).weight_decay(0.1)),
        adam_case("Amsgrad", torch::optim::AdamOptions(0.01).amsgrad(true)),
        adam_case(
            "LowBetas", torch::optim::AdamOptions(0.01).betas({0.2, 0.9})),
        adam_case(
            "DecayAmsgradBetas",
            torch::optim::AdamOptions(0.01)
                .weight_decay(0.1)
                .amsgrad(true)
                .betas({0.8, 0.95})
                .eps(1e-6)),
        adamw_case("", torch::optim::AdamWOptions(0.01)),
        adamw_case("NoDecay", torch::optim::AdamWOptions(0.01).weight_decay(0)),
        adamw_case("Amsgrad", torch::optim::AdamWOptions(0.01).amsgrad(true)),
        adamw_case(
            "DecayAmsgradBetas",
            torch::optim::AdamWOptions(0.01)
                .weight_decay(0.1)
                .amsgrad(true)
                .betas({0.8, 0.95})
                .eps(1e-6))),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace polytask::optim
