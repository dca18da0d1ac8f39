// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/core/network.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/linear_task.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/errors.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

// Adds one to what it is given, where it is told to.
class AddingImpl : public torch::nn::Module {
 public:
  explicit AddingImpl(bool in_place)
      : torch::nn::Module("Adding"), writes(in_place) {}
  torch::Tensor forward(torch::Tensor input) {
    ++calls;
    return writes ? input.add_(1) : input + 1;
  }

  bool writes;
  int calls = 0;
};
TORCH_MODULE(Adding);

torch::nn::Sequential relu_in_place() {
  return torch::nn::Sequential(
      torch::nn::ReLU(torch::nn::ReLUOptions(true)), torch::nn::Linear(3, 2));
}

TEST(InputGuard, KeepsTheCallersTensorAtEveryCall) {
  const Network network(relu_in_place());
  const auto x = torch::randn({4, 3});
  const auto before = x.clone();
  const auto first = network.forward(x);
  const auto second = network.forward(x);
  EXPECT_TRUE(torch::equal(x, before));
  EXPECT_TRUE(torch::equal(first, second));
}

TEST(InputGuard, KeepsItWithoutGradientsAndInInferenceMode) {
  const Network network(Adding(true));
  const auto x = torch::zeros({4, 3});
  {
    const torch::NoGradGuard no_grad;
    network.forward(x);
    network.forward(x);
  }
  {
    const c10::InferenceMode inference;
    network.forward(x);
    const auto own = torch::zeros({2});
    network.forward(own);
    EXPECT_EQ(own.sum().item<double>(), 0);
  }
  EXPECT_EQ(x.sum().item<double>(), 0);
}

TEST(InputGuard, SendsGradientsThroughTheCopy) {
  const Network network(relu_in_place());
  const auto x = torch::ones({4, 3}).requires_grad_();
  for (int call = 0; call < 2; ++call) {
    x.mutable_grad().reset();
    network.forward(x * 1).sum().backward();
    EXPECT_GT(x.grad().abs().sum().item<double>(), 0);
    x.mutable_grad().reset();
    network.forward(x).sum().backward(); // a leaf, which LibTorch protects
    EXPECT_GT(x.grad().abs().sum().item<double>(), 0);
  }
}

TEST(InputGuard, KnowsThatADropoutWritesInTrainingAlone) {
  torch::nn::Dropout dropout(torch::nn::DropoutOptions(0.5).inplace(true));
  const Network network(dropout);
  const auto x = torch::ones({100});
  dropout->eval();
  network.forward(x);
  network.forward(x);
  dropout->train();
  network.forward(x);
  network.forward(x);
  EXPECT_TRUE(torch::equal(x, torch::ones({100})));
}

TEST(InputGuard, HandsOverTheTensorItselfOnceAModuleIsKnown) {
  class KeepingImpl : public torch::nn::Module {
   public:
    torch::Tensor forward(const torch::Tensor& input) {
      seen = input.data_ptr();
      return input + 1;
    }
    void* seen = nullptr;
  };
  const auto keeping = std::make_shared<KeepingImpl>();
  const Network network(keeping);
  const auto x = torch::ones({3});
  network.forward(x);
  network.forward(x);
  EXPECT_EQ(keeping->seen, x.data_ptr());
}

// Says that it only reads, which what is derived from it has not said.
struct ReadingImpl : torch::nn::Module {
  using OnlyReads = ReadingImpl;
  torch::Tensor forward(const torch::Tensor& input) {
    seen = input.const_data_ptr();
    return input + 1;
  }
  const void* seen = nullptr;
};
struct DerivedReadingImpl : ReadingImpl {};
struct DerivedLinearImpl : torch::nn::LinearImpl {
  using LinearImpl::LinearImpl;
};

TEST(InputGuard, HandsOverTheTensorItselfToAModuleThatOnlyReads) {
  const auto x = torch::zeros({4, 3});
  const auto reading = std::make_shared<ReadingImpl>();
  Network(reading).forward(x);
  EXPECT_EQ(reading->seen, x.const_data_ptr());
  const auto derived = std::make_shared<DerivedReadingImpl>();
  Network(derived).forward(x);
  EXPECT_NE(derived->seen, x.const_data_ptr());
  EXPECT_TRUE(detail::only_reads<torch::nn::LinearImpl>());
  EXPECT_TRUE(detail::only_reads<LinearTaskImpl>());
  EXPECT_FALSE(detail::only_reads<DerivedLinearImpl>());
  EXPECT_FALSE(detail::only_reads<torch::nn::SequentialImpl>());
}

TEST(InputGuard, RefusesAModuleThatBeginsToWrite) {
  Adding adding(false);
  const Network network(adding);
  auto x = torch::zeros({3});
  network.forward(x);
  adding->writes = true;
  EXPECT_THAT(
      error_of([&] { network.forward(x); }),
      HasSubstr("'Adding' changed its input in place"));
  x = torch::zeros({3});
  network.forward(x);
  EXPECT_EQ(x.sum().item<double>(), 0);
  EXPECT_EQ(adding->calls, 3);
}

TEST(InputGuard, KeepsATrunkFromTheBatch) {
  HardSharing sharing(relu_in_place());
  const auto x = torch::randn({4, 3});
  const auto before = x.clone();
  sharing->features(x, 2);
  sharing->features_of(x, 1);
  EXPECT_TRUE(torch::equal(x, before));
}

} // namespace
} // namespace polytask
