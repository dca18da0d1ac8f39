// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Rows = std::vector<int64_t>;

// Row i has the input i and the target -i.
Dataset numbered_rows(int64_t rows) {
  const at::Tensor numbers = at::arange(rows, at::kFloat);
  return Dataset(numbers.view({rows, 1}), {{"y", -numbers}});
}

Loader numbered_loader(int64_t rows, const LoaderOptions& options) {
  return Loader(numbered_rows(rows), options);
}

// Which rows a batch holds; target and input must agree.
Rows rows_in(const Batch& batch) {
  const at::Tensor numbers = batch.input().flatten().to(at::kLong).cpu();
  EXPECT_TRUE(
      at::equal(batch.part("y").labels.target().to(at::kLong).cpu(), -numbers));
  const auto* data = numbers.const_data_ptr<int64_t>();
  return Rows(data, data + numbers.numel());
}

// The rows of the rest of the epoch, in order.
Rows rest_of_epoch(Loader& loader) {
  Rows all;
  while (const auto batch = loader.next()) {
    const Rows rows = rows_in(*batch);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

Rows sorted_rows(Rows rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

Rows first_rows(int64_t count) {
  Rows rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(Loader, GivesEachRowOnceInAnEpoch) {
  Loader loader = numbered_loader(10, LoaderOptions().batch_size(3));
  EXPECT_EQ(sorted_rows(rest_of_epoch(loader)), first_rows(10));
}

TEST(Loader, KeepsTheOrderWithoutShuffle) {
  Loader loader =
      numbered_loader(7, LoaderOptions().batch_size(3).shuffle(false));
  EXPECT_EQ(rows_in(*loader.next()), (Rows{0, 1, 2}));
  EXPECT_EQ(rows_in(*loader.next()), (Rows{3, 4, 5}));
  EXPECT_EQ(rows_in(*loader.next()), (Rows{6}));
  EXPECT_FALSE(loader.next().has_value());
}

TEST(Loader, LeavesOutAShortLastBatchWhenAsked) {
  Loader loader = numbered_loader(
      7, LoaderOptions().batch_size(3).shuffle(false).drop_last(true));
  EXPECT_EQ(rest_of_epoch(loader), first_rows(6));
  EXPECT_EQ(loader.epoch(), 1);
}

TEST(Loader, CountsTheBatchesOfAnEpoch) {
  const auto batches = [](int64_t rows, bool drop_last) {
    const auto options = LoaderOptions().batch_size(3).drop_last(drop_last);
    return numbered_loader(rows, options).batches_per_epoch();
  };
  EXPECT_EQ(batches(7, false), 3);
  EXPECT_EQ(batches(7, true), 2);
  EXPECT_EQ(batches(6, false), 2);
  EXPECT_EQ(batches(6, true), 2);
}

TEST(Loader, ShufflesEachEpochAnew) {
  Loader loader = numbered_loader(50, {});
  const Rows first = rest_of_epoch(loader);
  const Rows second = rest_of_epoch(loader);
  EXPECT_EQ(sorted_rows(second), first_rows(50));
  EXPECT_NE(first, first_rows(50));
  EXPECT_NE(first, second);
}

// Computed by tests/data/shuffle.py, which follows the C++ standard.
TEST(Loader, ShufflesTheSameOnEveryPlatform) {
  Loader loader = numbered_loader(8, LoaderOptions().seed(3));
  EXPECT_EQ(rest_of_epoch(loader), (Rows{7, 3, 1, 6, 0, 4, 2, 5}));
  EXPECT_EQ(rest_of_epoch(loader), (Rows{0, 2, 1, 5, 7, 3, 6, 4}));
}

TEST(Loader, ShufflesBySeed) {
  Loader one = numbered_loader(50, LoaderOptions().seed(1));
  Loader same = numbered_loader(50, LoaderOptions().seed(1));
  Loader other = numbered_loader(50, LoaderOptions().seed(2));
  const Rows rows = rest_of_epoch(one);
  EXPECT_EQ(rest_of_epoch(same), rows);
  EXPECT_NE(rest_of_epoch(other), rows);
}

TEST(Loader, BeginsTheNextEpochAfterItsEnd) {
  Loader loader = numbered_loader(4, LoaderOptions().batch_size(4));
  EXPECT_EQ(loader.epoch(), 0);
  EXPECT_TRUE(loader.next().has_value());
  EXPECT_EQ(loader.epoch(), 0);
  EXPECT_FALSE(loader.next().has_value());
  EXPECT_EQ(loader.epoch(), 1);
  EXPECT_TRUE(loader.next().has_value());
}

TEST(Loader, GoesRoundEndlessly) {
  Loader endless = numbered_loader(5, LoaderOptions().batch_size(2));
  Loader by_epoch = numbered_loader(5, LoaderOptions().batch_size(2));
  Rows drawn;
  for (int batch = 0; batch < 6; ++batch) {
    const Rows rows = rows_in(endless.next_endless());
    drawn.insert(drawn.end(), rows.begin(), rows.end());
  }
  Rows expected = rest_of_epoch(by_epoch);
  const Rows second = rest_of_epoch(by_epoch);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(drawn, expected);
  EXPECT_EQ(endless.epoch(), 1);
}

TEST(Loader, RunsThroughOneEpochInALoop) {
  Loader loader = numbered_loader(7, LoaderOptions().batch_size(2));
  Loader by_call = numbered_loader(7, LoaderOptions().batch_size(2));
  for (int epoch = 0; epoch < 2; ++epoch) {
    Rows all;
    for (const polytask::Batch& batch : loader) {
      const Rows rows = rows_in(batch);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(all, rest_of_epoch(by_call));
    EXPECT_EQ(loader.epoch(), epoch + 1);
  }
}

TEST(Loader, BeginsALoopWithAFreshEpoch) {
  Loader loader = numbered_loader(7, LoaderOptions().batch_size(2));
  loader.next();
  int64_t rows = 0;
  for (const auto& batch : loader) {
    EXPECT_EQ(loader.epoch(), 1);
    rows += batch.rows();
  }
  EXPECT_EQ(rows, 7);
}

TEST(Loader, StandsStillWhereALoopIsLeft) {
  Loader loader = numbered_loader(7, LoaderOptions().batch_size(2));
  for (const auto& batch : loader) {
    EXPECT_EQ(batch.rows(), 2);
    break;
  }
  EXPECT_EQ(loader.state(), (LoaderState{0, 2}));
}

class LoaderRestore : public ::testing::TestWithParam<int> {};

TEST_P(LoaderRestore, GoesOnAsBefore) {
  const auto options = LoaderOptions().batch_size(3).seed(5);
  Loader loader = numbered_loader(8, options);
  for (int call = 0; call < GetParam(); ++call) {
    loader.next();
  }
  Loader restored = numbered_loader(8, options);
  restored.next(); // stands elsewhere
  restored.restore(loader.state());
  EXPECT_EQ(restored.state(), loader.state());
  for (int epoch = 0; epoch < 3; ++epoch) {
    EXPECT_EQ(rest_of_epoch(restored), rest_of_epoch(loader));
    EXPECT_EQ(restored.state(), loader.state());
  }
}

// An epoch has three batches and ends with the fourth call.
INSTANTIATE_TEST_SUITE_P(AfterCalls, LoaderRestore, ::testing::Range(0, 10));

TEST(Loader, RefusesAStateThatItCannotBeIn) {
  Loader loader = numbered_loader(8, {});
  EXPECT_TRUE(says(
      error_of([&] { loader.restore({1, 9}); }),
      {"8 rows", "epoch 1", "position 9"}));
  EXPECT_TRUE(says(error_of([&] { loader.restore({-1, 0}); }), {"epoch -1"}));
  EXPECT_TRUE(
      says(error_of([&] { loader.restore({0, -2}); }), {"position -2"}));
}

TEST(Loader, RefusesABatchWithoutRows) {
  EXPECT_TRUE(says(
      error_of([] { numbered_loader(8, LoaderOptions().batch_size(0)); }),
      {"batch_size of 1 or more, but got 0"}));
}

TEST(Loader, RefusesAnEmptyDataset) {
  EXPECT_TRUE(
      says(error_of([] { numbered_loader(0, {}); }), {"data set has no rows"}));
}

TEST(Loader, RefusesAnEpochWithoutABatch) {
  const auto options = LoaderOptions().batch_size(9).drop_last(true);
  EXPECT_TRUE(says(
      error_of([&] { numbered_loader(8, options); }),
      {"drop_last", "batch_size of 9", "8 rows"}));
}

TEST(Loader, TakesABatchLargerThanTheData) {
  Loader loader = numbered_loader(8, LoaderOptions().batch_size(100));
  EXPECT_EQ(loader.next()->rows(), 8);
  EXPECT_EQ(loader.batches_per_epoch(), 1);
}

TEST(Loader, RefusesAnInputWithNanUnlessAskedNotToLook) {
  const at::Tensor input =
      at::full({2, 1}, std::numeric_limits<double>::quiet_NaN());
  const Dataset data(input, {{"y", at::zeros({2})}});
  EXPECT_TRUE(says(error_of([&] { Loader{data}; }), {"NaN"}));
  const auto options = LoaderOptions().batch(BatchOptions().check_input(false));
  Loader loader(data, options);
  EXPECT_EQ(loader.next()->rows(), 2);
}

TEST(Loader, FindsTheMissingLabelsOfEachBatch) {
  at::Tensor target = at::zeros({4});
  target[1] = std::numeric_limits<double>::quiet_NaN();
  const Dataset data(at::zeros({4, 1}), {{"y", target}});
  Loader loader(data, LoaderOptions().batch_size(2).shuffle(false));
  EXPECT_EQ(loader.next()->part("y").labels.missing(), 1);
  EXPECT_EQ(loader.next()->part("y").labels.missing(), 0);
}

TEST(Loader, TakesTheWordThatNoLabelIsMissing) {
  const at::Tensor target =
      at::full({2}, std::numeric_limits<double>::quiet_NaN());
  const Dataset data(at::zeros({2, 1}), {{"y", target}});
  Loader loader(data, LoaderOptions().batch(BatchOptions().complete(true)));
  EXPECT_TRUE(loader.next()->part("y").labels.is_complete());
}

class LoaderDevice : public ::polytask::testing::EachDevice {};
POLYTASK_ON_EACH_DEVICE(LoaderDevice);

TEST_P(LoaderDevice, DrawsTheSameRowsOnTheDatasetsDevice) {
  const auto options = LoaderOptions().batch_size(3).seed(1);
  Loader there(numbered_rows(8).to(device()), options);
  Loader here(numbered_rows(8), options);
  const auto batch = there.next();
  EXPECT_EQ(batch->device().type(), device().type());
  EXPECT_EQ(rows_in(*batch), rows_in(*here.next()));
}

} // namespace
} // namespace polytask::data
