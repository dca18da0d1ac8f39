// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/inputs.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

Inputs dense_and_ids() {
  return {
      {"dense", at::arange(6, at::kFloat).view({3, 2})},
      {"ids", at::tensor({7, 8, 9}, at::kLong)}};
}

std::string inputs_error(std::vector<Inputs::Named> tensors) {
  return error_of([&] { Inputs(std::move(tensors)); });
}

TEST(Inputs, KeepTheirOrderAndNames) {
  const Inputs inputs = dense_and_ids();
  EXPECT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs.names(), (std::vector<std::string>{"dense", "ids"}));
  EXPECT_EQ(inputs.rows(), 3);
  EXPECT_EQ(inputs["ids"].scalar_type(), at::kLong);
  EXPECT_TRUE(inputs.at("dense").is_same(inputs["dense"]));
  EXPECT_TRUE(inputs.has("ids"));
  EXPECT_FALSE(inputs.has("id"));
}

TEST(Inputs, AreMadeOfATensor) {
  const at::Tensor x = at::ones({4, 2});
  const Inputs inputs = x;
  EXPECT_TRUE(inputs.is_tensor());
  EXPECT_TRUE(inputs.tensor().is_same(x));
  EXPECT_TRUE(inputs["input"].is_same(x));
  EXPECT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs.rows(), 4);
}

TEST(Inputs, OfOneNamedTensorAreThatTensor) {
  const at::Tensor x = at::ones({4, 2});
  const Inputs inputs{{"dense", x}};
  EXPECT_TRUE(inputs.is_tensor());
  EXPECT_TRUE(inputs.tensor().is_same(x));
  EXPECT_TRUE(inputs["dense"].is_same(x));
  EXPECT_TRUE(says(
      error_of([&] { inputs["input"]; }), {"no 'input'", "there is 'dense'"}));
}

TEST(Inputs, SayWhatThereIsInPlaceOfAMissingName) {
  EXPECT_TRUE(says(
      error_of([] { dense_and_ids()["image"]; }),
      {"no 'image'", "'dense', 'ids'"}));
}

TEST(Inputs, OfSeveralAreNoTensor) {
  EXPECT_TRUE(says(
      error_of([] { dense_and_ids().tensor(); }),
      {"expected one tensor", "'dense', 'ids'"}));
}

TEST(Inputs, RefuseUnequalRowsByName) {
  EXPECT_TRUE(says(
      inputs_error({{"dense", at::ones({4, 2})}, {"ids", at::ones({3})}}),
      {"'ids'", "4 rows of 'dense'", "[3]"}));
}

TEST(Inputs, RefuseDevicesThatDiffer) {
  EXPECT_TRUE(says(
      inputs_error(
          {{"dense", at::ones({4, 2})},
           {"ids", at::ones({4}, at::Device(at::kMeta))}}),
      {"'ids' is on meta", "'dense' on cpu"}));
}

TEST(Inputs, RefuseWhatIsNoTensorOfRows) {
  EXPECT_TRUE(says(inputs_error({}), {"no tensor"}));
  EXPECT_TRUE(says(inputs_error({{"", at::ones({4})}}), {"no name"}));
  EXPECT_TRUE(says(inputs_error({{"a", {}}}), {"'a' is undefined"}));
  EXPECT_TRUE(
      says(inputs_error({{"a", at::scalar_tensor(1)}}), {"'a'", "scalar"}));
  EXPECT_TRUE(says(
      inputs_error({{"a", at::ones({4})}, {"a", at::ones({4})}}),
      {"'a' comes more than once"}));
}

TEST(Inputs, MoveTogether) {
  const Inputs moved = dense_and_ids().to(at::kMeta);
  EXPECT_EQ(moved.device(), at::Device(at::kMeta));
  EXPECT_TRUE(moved["ids"].is_meta());
  EXPECT_EQ(moved.names(), dense_and_ids().names());
}

TEST(Inputs, NarrowAsViews) {
  const Inputs inputs = dense_and_ids();
  const Inputs rows = inputs.narrow(1, 2);
  EXPECT_EQ(rows.rows(), 2);
  EXPECT_TRUE(at::equal(rows["ids"], at::tensor({8, 9}, at::kLong)));
  EXPECT_TRUE(rows["dense"].is_alias_of(inputs["dense"]));
}

TEST(Inputs, SelectRowsAsCopies) {
  const Inputs inputs = dense_and_ids();
  const Inputs rows = inputs.index_select(at::tensor({2, 0}, at::kLong));
  EXPECT_TRUE(at::equal(rows["ids"], at::tensor({9, 7}, at::kLong)));
  EXPECT_TRUE(
      at::equal(rows["dense"], at::tensor({4.F, 5.F, 0.F, 1.F}).view({2, 2})));
  EXPECT_FALSE(rows["dense"].is_alias_of(inputs["dense"]));
}

TEST(Inputs, OfATensorStayWithoutAName) {
  const Inputs rows = Inputs(at::ones({4, 2})).narrow(0, 3);
  EXPECT_EQ(rows.names(), (std::vector<std::string>{"input"}));
  EXPECT_EQ(rows.rows(), 3);
}

TEST(Inputs, OfWhichOneLearnsRequireAGradient) {
  EXPECT_FALSE(dense_and_ids().requires_grad());
  const Inputs learned{
      {"ids", at::ones({2}, at::kLong)},
      {"dense", at::ones({2}).requires_grad_()}};
  EXPECT_TRUE(learned.requires_grad());
}

TEST(Inputs, AreTheSameWhereTheyAreCopies) {
  const Inputs inputs = dense_and_ids();
  const Inputs copy = inputs;
  EXPECT_EQ(copy.identity(), inputs.identity());
  EXPECT_NE(dense_and_ids().identity(), inputs.identity());
}

TEST(Inputs, PrintTheirShapes) {
  std::ostringstream several, one;
  several << dense_and_ids();
  one << Inputs(at::ones({4, 2}));
  EXPECT_EQ(several.str(), "'dense' [3, 2], 'ids' [3]");
  EXPECT_EQ(one.str(), "[4, 2]");
}

} // namespace
} // namespace polytask
