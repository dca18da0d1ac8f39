// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/core/network.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <memory>
#include <utility>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

struct DoublingImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& input) {
    return 2 * input;
  }
};

// LibTorch's trap: clone() calls reset() on a copy that still refers to the
// original's module, and so replaces the original's tensors.
template <typename Inner>
struct AroundImpl : torch::nn::Cloneable<AroundImpl<Inner>> {
  explicit AroundImpl(Inner given) : inner(std::move(given)) {
    reset();
  }
  void reset() override {
    this->register_module("inner", inner);
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return inner(input);
  }
  Inner inner;
};

struct AliasingImpl : torch::nn::Module {
  AliasingImpl() {
    scale = register_parameter("scale", torch::ones({1}));
  }
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& /*device*/) const override {
    return std::make_shared<AliasingImpl>(*this);
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return scale * input;
  }
  torch::Tensor scale;
};

TEST(Network, RunsALayer) {
  torch::nn::Linear linear(3, 2);
  const Network network(linear);
  const at::Tensor x = at::randn({4, 3});
  EXPECT_TRUE(at::equal(network.forward(x), linear(x)));
  EXPECT_EQ(network.module(), linear.ptr());
}

TEST(Network, RunsASequential) {
  torch::nn::Sequential layers(
      torch::nn::Linear(3, 5), torch::nn::Tanh(), torch::nn::Linear(5, 2));
  const at::Tensor x = at::randn({4, 3});
  EXPECT_TRUE(at::equal(Network(layers).forward(x), layers->forward(x)));
}

TEST(Network, RunsAModuleOfTheUsers) {
  const Network network(std::make_shared<DoublingImpl>());
  const at::Tensor x = at::randn({4, 3});
  EXPECT_TRUE(at::equal(network.forward(x), 2 * x));
}

TEST(Network, KeepsItsModuleAlive) {
  auto module = std::make_shared<DoublingImpl>();
  const Network network(module);
  module.reset();
  EXPECT_TRUE(at::equal(network.forward(at::ones({1})), 2 * at::ones({1})));
}

TEST(Network, IsTheKindItWasMadeFrom) {
  torch::nn::Linear linear(3, 2);
  const Network network(linear);
  EXPECT_EQ(network.as<torch::nn::Linear>().ptr(), linear.ptr());
  EXPECT_TRUE(network.as<torch::nn::Sequential>().is_empty());
}

TEST(Network, ClonesDeeply) {
  torch::nn::Sequential layers(
      torch::nn::Linear(3, 5), torch::nn::Linear(5, 2));
  const Network network(layers);
  const at::Tensor x = at::randn({4, 3});
  const at::Tensor before = network.forward(x);
  const Network copy = network.clone();
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : layers->parameters()) {
      parameter.zero_();
    }
  }
  EXPECT_TRUE(at::equal(copy.forward(x), before));
  EXPECT_FALSE(at::equal(network.forward(x), before));
}

class NetworkOnDevice : public testing::EachDevice {};

TEST_P(NetworkOnDevice, IsClonedThere) {
  torch::nn::Linear linear(3, 2);
  const Network copy = Network(linear).clone(device());
  const at::Tensor weight = copy.as<torch::nn::Linear>()->weight;
  EXPECT_EQ(weight.device().type(), device().type());
  EXPECT_TRUE(at::equal(weight.cpu(), linear->weight));
  EXPECT_FALSE(weight.is_same(linear->weight));
}

POLYTASK_ON_EACH_DEVICE(NetworkOnDevice);

TEST(Network, RefusesACloneThatReplacesTheOriginalsTensors) {
  using Around = AroundImpl<torch::nn::Linear>;
  const Network network(std::make_shared<Around>(torch::nn::Linear(3, 2)));
  EXPECT_TRUE(says(
      error_of([&] { network.clone(); }),
      {"its clone() replaced the original's tensor 'inner.weight'",
       "Override clone()"}));
}

TEST(Network, RefusesACloneThatReplacesTheOriginalsBuffers) {
  using Norm = torch::nn::BatchNorm1d;
  const Network network(std::make_shared<AroundImpl<Norm>>(
      Norm(torch::nn::BatchNorm1dOptions(3).affine(false))));
  EXPECT_TRUE(says(
      error_of([&] { network.clone(); }),
      {"replaced the original's tensor 'inner.running_mean'"}));
}

TEST(Network, RefusesACloneThatSharesTensors) {
  const Network network(std::make_shared<AliasingImpl>());
  EXPECT_TRUE(says(
      error_of([&] { network.clone(); }),
      {"its clone() shares the tensor 'scale' with the original"}));
}

TEST(Network, RefusesToCloneWhatCannotBeCloned) {
  const Network network(std::make_shared<DoublingImpl>());
  EXPECT_TRUE(says(
      error_of([&] { network.clone(); }), {"clone()", "torch::nn::Cloneable"}));
}

TEST(Network, RefusesAnEmptyModule) {
  EXPECT_THROW(Network(std::shared_ptr<DoublingImpl>()), c10::ValueError);
  EXPECT_TRUE(says(
      error_of([] { Network(torch::nn::Linear(nullptr)); }),
      {"Network: the module is empty"}));
}

struct LeftAndRightImpl : torch::nn::Module {
  torch::Tensor forward(const Inputs& inputs) {
    return inputs["left"] + inputs["right"];
  }
};
TORCH_MODULE(LeftAndRight);

struct EitherImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& input) {
    return input + 1;
  }
  torch::Tensor forward(const Inputs& inputs) {
    return inputs["left"] + 2;
  }
};

// What fits is known only where it is compiled for a type.
struct AbbreviatedImpl : torch::nn::Module {
  auto forward(const auto& input) {
    return torch::Tensor(input.mul(3));
  }
};

Inputs left_and_right() {
  return {{"left", torch::ones({2, 3})}, {"right", torch::full({2, 3}, 4.0)}};
}

TEST(Network, TakesAModuleOfInputs) {
  const Network network{LeftAndRight()};
  EXPECT_TRUE(
      at::equal(network.forward(left_and_right()), torch::full({2, 3}, 5.0)));
}

TEST(Network, KeepsTheNameOfOneTensor) {
  struct NamedImpl : torch::nn::Module {
    torch::Tensor forward(const Inputs& inputs) {
      return inputs["left"];
    }
  };
  const Network network{std::make_shared<NamedImpl>()};
  const at::Tensor left = torch::ones({2});
  EXPECT_TRUE(
      at::equal(network.forward(Inputs{{"left", left}}), torch::ones({2})));
  EXPECT_TRUE(says(
      error_of([&] { network.forward(left); }),
      {"no 'left'", "there is 'input'"}));
}

TEST(Network, HandsOneTensorOfInputsToAModuleOfATensor) {
  const Network network{std::make_shared<DoublingImpl>()};
  EXPECT_TRUE(at::equal(
      network.forward(Inputs{{"left", torch::ones({2})}}),
      torch::full({2}, 2.0)));
}

TEST(Network, RefusesSeveralTensorsForAModuleOfOne) {
  const Network network{std::make_shared<DoublingImpl>()};
  EXPECT_TRUE(says(
      error_of([&] { network.forward(left_and_right()); }),
      {"DoublingImpl",
       "takes one tensor",
       "'left', 'right'",
       "const polytask::Inputs&"}));
}

TEST(Network, ChoosesAmongOverloads) {
  const Network network{std::make_shared<EitherImpl>()};
  EXPECT_TRUE(
      at::equal(network.forward(torch::ones({2})), torch::full({2}, 2.0)));
  EXPECT_TRUE(
      at::equal(network.forward(left_and_right()), torch::full({2, 3}, 3.0)));
}

TEST(Network, TakesAForwardOfAnyType) {
  const Network network{std::make_shared<AbbreviatedImpl>()};
  EXPECT_TRUE(
      at::equal(network.forward(torch::ones({2})), torch::full({2}, 3.0)));
}

TEST(Network, TakesASequentialThatStartsWithAModuleOfInputs) {
  const Network network{
      torch::nn::Sequential(LeftAndRight(), torch::nn::ReLU())};
  EXPECT_TRUE(
      at::equal(network.forward(left_and_right()), torch::full({2, 3}, 5.0)));
}

TEST(Network, LeavesInputsThatItsModuleChangesInPlaceAlone) {
  struct InPlaceImpl : torch::nn::Module {
    torch::Tensor forward(const Inputs& inputs) {
      return torch::Tensor(inputs["left"]).add_(inputs["right"]);
    }
  };
  const Network network{std::make_shared<InPlaceImpl>()};
  const Inputs inputs = left_and_right();
  for (int call = 0; call < 2; ++call) {
    EXPECT_TRUE(at::equal(network.forward(inputs), torch::full({2, 3}, 5.0)));
    EXPECT_TRUE(at::equal(inputs["left"], torch::ones({2, 3})));
  }
}

} // namespace
} // namespace polytask
