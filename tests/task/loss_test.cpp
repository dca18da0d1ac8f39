// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/task/loss.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/loss.h>

#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

at::Tensor squared(const at::Tensor& output, const at::Tensor& target) {
  return (output - target).square().mean();
}

// The error of a loss that answers `answer`.
std::string answer_error(const at::Tensor& answer) {
  const Loss loss([&](const at::Tensor&, const at::Tensor&) { return answer; });
  return error_of([&] { loss(at::ones({2, 1}), Labels(at::ones({2, 1}))); });
}

TEST(Loss, IsWhatItWasMadeFrom) {
  const Loss loss = HuberLoss(0.5);
  ASSERT_NE(loss.as<HuberLoss>(), nullptr);
  EXPECT_EQ(loss.as<HuberLoss>()->delta(), 0.5);
  EXPECT_EQ(loss.as<MSELoss>(), nullptr);
}

TEST(Loss, PrintsWhatItWasMadeFrom) {
  std::ostringstream text;
  Loss(HuberLoss(0.5)).pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::HuberLoss(delta=0.5)");
}

TEST(Loss, KnowsLabelsByItsOwnIgnoreIndex) {
  const Loss loss = CrossEntropyLoss(CrossEntropyLossOptions().ignore_index(2));
  EXPECT_TRUE(loss.has_label(Labels(at::tensor({2, 1}, at::kLong))));
  EXPECT_TRUE(loss.has_label(Labels(at::tensor({-100}, at::kLong))));
  EXPECT_FALSE(loss.has_label(Labels(at::tensor({2, 2}, at::kLong))));
  EXPECT_FALSE(loss.has_label(Labels(at::tensor({2}, at::kLong), 2)));
}

TEST(Loss, CallsAFunction) {
  const Loss loss(squared);
  const at::Tensor output = at::randn({4, 2});
  const at::Tensor target = at::randn({4, 2});
  EXPECT_TRUE(at::equal(loss(output, Labels(target)), squared(output, target)));
}

TEST(Loss, TakesALossModuleOfLibTorch) {
  const Loss loss = torch::nn::SmoothL1Loss();
  const Labels labels(at::ones({3, 1}));
  EXPECT_FLOAT_EQ(loss(at::zeros({3, 1}), labels).item<float>(), 0.5F);
}

TEST(Loss, TakesTheLossOfOneElement) {
  const Loss loss([](const at::Tensor& output, const at::Tensor& target) {
    return squared(output, target).reshape({1, 1});
  });
  EXPECT_EQ(loss(at::ones({2, 1}), Labels(at::ones({2, 1}))).dim(), 0);
}

TEST(Loss, ShowsAFunctionTheRowsWithoutAHole) {
  at::Tensor seen_output;
  at::Tensor seen_target;
  const Loss loss([&](const at::Tensor& output, const at::Tensor& target) {
    seen_output = output;
    seen_target = target;
    return squared(output, target);
  });
  const at::Tensor output = at::randn({4, 2});
  at::Tensor target = at::randn({4, 2});
  target[1][0] = std::numeric_limits<float>::quiet_NaN();
  loss(output, Labels(target));
  const at::Tensor rows = at::tensor({0, 2, 3}, at::kLong);
  EXPECT_TRUE(at::equal(seen_output, output.index_select(0, rows)));
  EXPECT_TRUE(at::equal(seen_target, target.index_select(0, rows)));
}

TEST(Loss, OfAFunctionIsAbsentWhereEveryRowHasAHole) {
  const Loss loss(squared);
  at::Tensor target = at::ones({2, 2});
  target[0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(loss.has_label(Labels(target)));
  target[1][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(loss.has_label(Labels(target)));
  EXPECT_TRUE(Loss(MSELoss()).has_label(Labels(target)));
}

TEST(Loss, GivesAFunctionTheWeightsOfItsRows) {
  at::Tensor seen;
  const Loss loss([&](const at::Tensor& output,
                      const at::Tensor& target,
                      const at::Tensor& weights) {
    seen = weights;
    return squared(output, target);
  });
  at::Tensor target = at::ones({4, 2});
  target[1][0] = std::numeric_limits<float>::quiet_NaN();
  const Labels labels(target);
  loss(at::ones({4, 2}), labels);
  EXPECT_TRUE(at::equal(seen, at::ones({3})));
  loss(
      at::ones({4, 2}),
      labels.with_weights(at::tensor({2.0, 3.0, 0.0, 5.0}, at::kDouble)));
  EXPECT_TRUE(at::equal(seen, at::tensor({2.0f, 5.0f})));
}

class UnweightedLoss : public LossFunction {
 public:
  void pretty_print(std::ostream& stream) const override {
    stream << "UnweightedLoss()";
  }

 protected:
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override {
    return squared(output, labels.filled());
  }
};

TEST(Loss, RefusesWeightsThatItWouldNotHeed) {
  const Labels labels =
      Labels(at::ones({2, 1})).with_weights(at::tensor({1.0, 1.0}));
  for (const auto& [loss, name] : std::vector<std::pair<Loss, std::string>>{
           {squared, "polytask::CallableLoss"},
           {UnweightedLoss(), "UnweightedLoss()"}}) {
    EXPECT_TRUE(says(
        error_of([&, &each = loss] { each(at::ones({2, 1}), labels); }),
        {"rows have weights, of which " + name + " knows nothing"}));
  }
}

TEST(Loss, DoesNotCallAFunctionWithoutARow) {
  const Loss loss([](const at::Tensor&, const at::Tensor&) -> at::Tensor {
    throw std::logic_error("called");
  });
  at::Tensor target = at::ones({2, 2});
  target.select(1, 0).fill_(std::numeric_limits<float>::quiet_NaN());
  at::Tensor output = at::ones({2, 2}).requires_grad_();
  at::Tensor value = loss(output, Labels(target));
  EXPECT_EQ(value.item<double>(), 0);
  value.backward();
  EXPECT_TRUE(at::equal(output.grad(), at::zeros({2, 2})));
}

TEST(Loss, RefusesAnAnswerThatIsNoLoss) {
  EXPECT_TRUE(says(
      answer_error(at::ones({3})),
      {"one floating-point value", "Float", "shape [3]"}));
  EXPECT_TRUE(says(
      answer_error(at::scalar_tensor(1, at::kLong)),
      {"one floating-point value", "Long"}));
  EXPECT_TRUE(says(answer_error(at::Tensor()), {"an undefined tensor"}));
}

TEST(Loss, RefusesAnEmptyFunction) {
  EXPECT_TRUE(says(
      error_of([] { Loss{CallableLoss::Function()}; }),
      {"CallableLoss: the function is empty"}));
  using ByValue = std::function<at::Tensor(at::Tensor, at::Tensor)>;
  EXPECT_TRUE(
      says(error_of([] { Loss{ByValue()}; }), {"the function is empty"}));
}

TEST(Loss, RefusesATargetOnAnotherDevice) {
  EXPECT_TRUE(says(
      error_of([] {
        MSELoss()(at::ones({2}), Labels::complete(at::ones({2}, at::kMeta)));
      }),
      {"the output is on cpu", "the target on meta"}));
}

} // namespace
} // namespace polytask
