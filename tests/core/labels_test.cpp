// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/core/labels.h>

#include <limits>
#include <string>

namespace polytask {
namespace {

constexpr double kHole = std::numeric_limits<double>::quiet_NaN();

// [3, 2]: one label missing in the first row, two in the last.
at::Tensor holed_target(at::ScalarType type) {
  return at::tensor({1.0, kHole, 2.0, 3.0, kHole, kHole}, at::kDouble)
      .view({3, 2})
      .to(type);
}

at::Tensor holed_mask() {
  return at::tensor({0, 1, 0, 0, 1, 1}).view({3, 2}).to(at::kBool);
}

class FloatingLabels : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  const at::Tensor target = holed_target(GetParam());
};

TEST_P(FloatingLabels, AreMissingWhereNaN) {
  const Labels labels(target);
  EXPECT_EQ(labels.missing(), 3);
  EXPECT_EQ(labels.present(), 3);
  EXPECT_FALSE(labels.is_complete());
  EXPECT_FALSE(labels.is_empty());
  EXPECT_TRUE(at::equal(labels.missing_mask(), holed_mask()));
}

TEST_P(FloatingLabels, AreCountedInATransposedTarget) {
  const Labels labels(target.t());
  EXPECT_EQ(labels.missing(), 3);
  EXPECT_TRUE(at::equal(labels.missing_mask(), holed_mask().t()));
}

TEST_P(FloatingLabels, AreCountedInAStridedColumn) {
  EXPECT_EQ(Labels(target.select(1, 1)).missing(), 2);
  EXPECT_EQ(Labels(target.select(1, 0)).missing(), 1);
}

TEST_P(FloatingLabels, AreFilledWithZeroWhereMissing) {
  const at::Tensor filled = Labels(target).filled();
  EXPECT_EQ(filled.scalar_type(), GetParam());
  const at::Tensor expected = at::tensor({1, 0, 2, 3, 0, 0}).view({3, 2});
  EXPECT_TRUE(at::equal(filled, expected.to(GetParam())));
  EXPECT_TRUE(at::equal(at::isnan(target), holed_mask())) << "it was changed";
}

TEST_P(FloatingLabels, KnowTheRowsWithoutAHole) {
  EXPECT_TRUE(
      at::equal(Labels(target).complete_rows(), at::tensor({1}, at::kLong)));
}

TEST_P(FloatingLabels, DoNotCareForTheIgnoreIndex) {
  const Labels labels = Labels(target).with_ignore_index(2);
  EXPECT_EQ(labels.missing(), 3);
}

INSTANTIATE_TEST_SUITE_P(
    Dtypes,
    FloatingLabels,
    ::testing::Values(at::kFloat, at::kDouble, at::kHalf, at::kBFloat16));

TEST(Labels, OfIntegersAreMissingAtTheIgnoreIndex) {
  const at::Tensor target = at::tensor({0, -100, 2, -1}, at::kLong);
  EXPECT_EQ(Labels(target).missing(), 1);
  const Labels other(target, -1);
  EXPECT_EQ(other.missing(), 1);
  EXPECT_EQ(other.ignore_index(), -1);
  EXPECT_TRUE(
      at::equal(other.missing_mask(), at::tensor({0, 0, 0, 1}).to(at::kBool)));
  EXPECT_TRUE(
      at::equal(other.filled(), at::tensor({0, -100, 2, 0}, at::kLong)));
}

TEST(Labels, AreLookedThroughAgainForAnotherIgnoreIndex) {
  const Labels labels(at::tensor({2, 2, -100}, at::kLong));
  EXPECT_EQ(labels.with_ignore_index(2).missing(), 2);
  EXPECT_EQ(labels.with_ignore_index(7).missing(), 0);
}

TEST(Labels, OfBoolsAreNeverMissing) {
  const Labels labels(at::tensor({0, 1, 1}).to(at::kBool), 1);
  EXPECT_TRUE(labels.is_complete());
  EXPECT_EQ(labels.missing_mask().any().item<bool>(), false);
  EXPECT_EQ(labels.complete_rows().numel(), 3);
}

TEST(Labels, AllMissingAreEmpty) {
  const Labels labels(at::tensor({kHole, kHole}));
  EXPECT_TRUE(labels.is_empty());
  EXPECT_EQ(labels.complete_rows().numel(), 0);
}

TEST(Labels, WithoutAHoleAreGivenBackUnfilled) {
  const at::Tensor target = at::tensor({1.0, 2.0});
  EXPECT_TRUE(Labels(target).filled().is_same(target));
}

TEST(Labels, CompleteTakesTheCallersWord) {
  const Labels labels = Labels::complete(holed_target(at::kFloat));
  EXPECT_TRUE(labels.is_complete());
  EXPECT_EQ(labels.present(), 6);
}

TEST(Labels, CompleteHoldsForEveryIgnoreIndex) {
  const Labels labels =
      Labels::complete(at::tensor({2, 2}, at::kLong)).with_ignore_index(2);
  EXPECT_TRUE(labels.is_complete());
  EXPECT_EQ(labels.ignore_index(), 2);
}

TEST(Labels, InspectLooksAtEachTarget) {
  const auto labels = Labels::inspect(
      {holed_target(at::kFloat),
       at::tensor({-100, 5, -100}, at::kLong),
       holed_target(at::kHalf),
       at::tensor({1.0})});
  ASSERT_EQ(labels.size(), 4u);
  EXPECT_EQ(labels[0].missing(), 3);
  EXPECT_EQ(labels[1].missing(), 2);
  EXPECT_EQ(labels[2].missing(), 3);
  EXPECT_EQ(labels[3].missing(), 0);
}

TEST(Labels, AreCountedWhenSomebodyAsksAndOnceForAllCopies) {
  at::Tensor target = at::tensor({1.0, 2.0, 3.0});
  const Labels labels(target);
  const Labels copy = labels;
  target[1] = kHole;
  EXPECT_EQ(labels.missing(), 1);
  target[2] = kHole;
  EXPECT_EQ(copy.missing(), 1);
  EXPECT_EQ(labels.to(at::kFloat).missing(), 1);
  EXPECT_EQ(Labels(target).missing(), 2);
}

TEST(Labels, AreLookedThroughToTheFirstForWhetherThereIsOne) {
  at::Tensor target = at::tensor({kHole, 2.0, 3.0});
  const Labels labels(target);
  EXPECT_FALSE(labels.is_empty());
  target[2] = kHole; // beyond what was looked at
  EXPECT_EQ(labels.missing(), 2);
  target.fill_(kHole);
  EXPECT_FALSE(labels.is_empty());
  EXPECT_TRUE(Labels(target).is_empty());
}

TEST(Labels, AreKnownToBeNoneOnceLookedThrough) {
  at::Tensor target = at::tensor({kHole, kHole});
  const Labels labels(target);
  EXPECT_TRUE(labels.is_empty());
  target.fill_(1);
  EXPECT_EQ(labels.missing(), 2);
  EXPECT_TRUE(labels.is_empty());
}

TEST(Labels, OfNoRowAreEmptyAndComplete) {
  const Labels labels(at::tensor({1.0}).narrow(0, 0, 0));
  EXPECT_TRUE(labels.is_empty());
  EXPECT_TRUE(labels.is_complete());
}

TEST(Labels, OfSomeRowsAreCountedThere) {
  const Labels labels(at::tensor({1.0, kHole, kHole}));
  EXPECT_EQ(labels.select(at::tensor({0, 1}, at::kLong)).missing(), 1);
  EXPECT_EQ(labels.missing(), 2);
  EXPECT_EQ(labels.select(at::tensor({1, 2}, at::kLong)).missing(), 2);
}

TEST(Labels, AreCountedBeforeTheyAreCopiedElsewhere) {
  at::Tensor memory = at::tensor({1.0, 2.0});
  const Labels labels = Labels(at::tensor({1.0, kHole})).in(memory);
  EXPECT_EQ(labels.missing(), 1);
}

TEST(Labels, MoveWithoutBeingLookedThroughAgain) {
  // A meta tensor has no values to look at.
  const Labels labels =
      Labels(at::tensor({3, 4, 4}, at::kLong), 4).to(at::kMeta);
  EXPECT_TRUE(labels.target().is_meta());
  EXPECT_EQ(labels.missing(), 2);
  EXPECT_EQ(labels.ignore_index(), 4);
}

TEST(Labels, AreKeptInAnotherTensorOfTheirKind) {
  const at::Tensor memory = holed_target(at::kFloat);
  const Labels labels = Labels(holed_target(at::kFloat)).in(memory);
  EXPECT_TRUE(labels.target().is_same(memory));
  EXPECT_EQ(labels.missing(), 3);
  EXPECT_THROW(labels.in(memory.narrow(0, 0, 2)), c10::ValueError);
  EXPECT_THROW(labels.in(memory.to(at::kDouble)), c10::ValueError);
}

TEST(LabelsOfARow, CountByItsWeight) {
  const at::Tensor weights = at::tensor({2.0, 0.5, 1.0});
  const Labels labels = Labels(holed_target(at::kFloat)).with_weights(weights);
  EXPECT_TRUE(at::equal(labels.weights(), weights));
  EXPECT_EQ(labels.present(), 3);
  EXPECT_TRUE(at::equal(
      labels.label_weights(at::kDouble),
      at::tensor({2.0, 0.0, 0.5, 0.5, 0.0, 0.0}, at::kDouble).view({3, 2})));
}

TEST(LabelsOfARow, OfWeightZeroAreMissing) {
  const Labels labels = Labels(holed_target(at::kFloat))
                            .with_weights(at::tensor({1.0, 0.0, 1.0}));
  EXPECT_EQ(labels.present(), 1);
  EXPECT_TRUE(at::equal(
      labels.missing_mask(),
      at::tensor({0, 1, 1, 1, 1, 1}).view({3, 2}).to(at::kBool)));
  EXPECT_TRUE(at::equal(
      labels.filled(),
      at::tensor({1.0, 0.0, 0.0, 0.0, 0.0, 0.0}).view({3, 2})));
  EXPECT_EQ(labels.complete_rows().numel(), 0);
}

TEST(LabelsOfARow, OfWeightZeroAreMissingWhateverWasPromised) {
  const Labels labels = Labels::complete(at::tensor({5, 2, 2}, at::kLong))
                            .with_weights(at::tensor({1.0, 0.0, 1.0}))
                            .with_ignore_index(5);
  EXPECT_EQ(labels.missing(), 1);
  EXPECT_TRUE(at::equal(labels.complete_rows(), at::tensor({0, 2}, at::kLong)));
}

TEST(LabelsOfARow, AreEmptyWhereNoPresentLabelHasAWeight) {
  const Labels labels = Labels(at::tensor({kHole, 1.0, 2.0}))
                            .with_weights(at::tensor({3.0, 0.0, 0.0}));
  EXPECT_TRUE(labels.is_empty());
}

TEST(LabelsOfARow, KeepTheirWeightsInEveryForm) {
  const at::Tensor target = at::tensor({2, 3, 2}, at::kLong);
  const Labels labels =
      Labels(target).with_weights(at::tensor({1.0, 0.0, 3.0}));
  const Labels other = labels.with_ignore_index(3);
  EXPECT_TRUE(other.weights().is_same(labels.weights()));
  EXPECT_EQ(other.missing(), 1);
  EXPECT_EQ(labels.with_ignore_index(2).missing(), 3);
  EXPECT_TRUE(labels.in(target.clone()).weights().is_same(labels.weights()));
  const Labels moved = labels.to(at::kMeta);
  EXPECT_TRUE(moved.weights().is_meta());
  EXPECT_EQ(moved.missing(), 1);
  const Labels chosen = labels.select(at::tensor({2, 2, 1}, at::kLong));
  EXPECT_TRUE(at::equal(chosen.weights(), at::tensor({3.0, 3.0, 0.0})));
  EXPECT_EQ(chosen.missing(), 1);
  EXPECT_EQ(
      Labels(holed_target(at::kHalf))
          .with_weights(at::tensor({1.0, 2.0, 3.0}))
          .to(at::kFloat)
          .label_weights(at::kFloat)
          .sum()
          .item<double>(),
      1.0 + 2 * 2.0);
}

TEST(LabelsOfARow, LoseTheirWeightsForUndefinedOnes) {
  const Labels labels = Labels(at::tensor({1.0, 2.0}))
                            .with_weights(at::tensor({1.0, 0.0}))
                            .with_weights({});
  EXPECT_FALSE(labels.is_weighted());
  EXPECT_TRUE(labels.is_complete());
}

TEST(LabelsOfARow, TakeWeightsOfEveryPrecisionAndOfATable) {
  const Labels labels(at::tensor({1.0, 2.0, 3.0}));
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const Labels weighted =
        labels.with_weights(at::tensor({1.0, 0.0, 2.0}).to(type).view({3, 1}));
    EXPECT_EQ(weighted.weights().sizes(), at::IntArrayRef({3})) << type;
    EXPECT_EQ(weighted.missing(), 1) << type;
  }
}

TEST(LabelsOfARow, RefuseWeightsThatAreNone) {
  const Labels labels(at::tensor({1.0, 2.0}));
  const double inf = std::numeric_limits<double>::infinity();
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf}) {
    for (const double wrong : {-1.0, kHole, inf, -inf}) {
      EXPECT_THROW(
          labels.with_weights(at::tensor({1.0, wrong}).to(type)),
          c10::ValueError)
          << wrong;
    }
  }
  EXPECT_THROW(labels.with_weights(at::tensor({1.0})), c10::ValueError);
  EXPECT_THROW(
      labels.with_weights(at::tensor({1.0, 1.0}).view({1, 2})),
      c10::ValueError);
  EXPECT_THROW(labels.with_weights(at::tensor(1.0)), c10::ValueError);
  EXPECT_THROW(labels.with_weights(at::tensor({1, 1})), c10::ValueError);
  EXPECT_THROW(
      labels.with_weights(at::tensor({1.0, 1.0}).to(at::kMeta)),
      c10::ValueError);
  EXPECT_THROW(
      labels.with_weights(at::tensor({3e38, 3e38}, at::kFloat)),
      c10::ValueError);
}

TEST(LabelsOfARow, AreSelectedWithTheirHoles) {
  const Labels labels =
      Labels(holed_target(at::kFloat)).select(at::tensor({2, 1}, at::kLong));
  EXPECT_EQ(labels.missing(), 2);
  EXPECT_EQ(labels.target().size(0), 2);
}

// A promise is for every ignore index; what was only looked through is not.
TEST(Labels, ThatAreSelectedAreLookedThroughForAnotherIgnoreIndex) {
  const at::Tensor rows = at::tensor({1}, at::kLong);
  const Labels looked = Labels(at::tensor({1, 255}, at::kLong)).select(rows);
  EXPECT_TRUE(looked.is_complete());
  EXPECT_TRUE(looked.with_ignore_index(255).is_empty());
  const Labels promised =
      Labels::complete(at::tensor({1, 255}, at::kLong)).select(rows);
  EXPECT_TRUE(promised.with_ignore_index(255).is_complete());
}

TEST(Labels, AreJoinedWithTheirHolesAndWeights) {
  const Labels first = Labels(at::tensor({1, 255}, at::kLong), 255)
                           .with_weights(at::tensor({2.0, 1.0}));
  const Labels second =
      Labels(at::tensor({3}, at::kLong), 255).with_weights(at::tensor({0.0}));
  const Labels joined = Labels::join({first, second});
  EXPECT_TRUE(at::equal(joined.target(), at::tensor({1, 255, 3}, at::kLong)));
  EXPECT_TRUE(at::equal(joined.weights(), at::tensor({2.0, 1.0, 0.0})));
  EXPECT_EQ(joined.missing(), 2);
  EXPECT_TRUE(at::equal(
      joined.missing_mask(), at::tensor({0, 1, 1}, at::kLong).to(at::kBool)));
}

TEST(Labels, OfAnotherKindAreNotJoined) {
  const Labels one(at::tensor({1.0, 2.0}));
  for (const Labels& other :
       {Labels(at::tensor({1, 2}, at::kLong)),
        Labels(at::tensor({1.0, 2.0}).unsqueeze(1)),
        Labels(at::tensor({1.0}), 3),
        Labels::complete(at::tensor({1.0})),
        Labels(at::tensor({1.0})).with_weights(at::tensor({1.0}))}) {
    EXPECT_FALSE(one.is_joinable(other));
    EXPECT_THROW(Labels::join({one, other}), c10::ValueError);
  }
  EXPECT_THROW(Labels::join({}), c10::ValueError);
}

} // namespace
} // namespace polytask
