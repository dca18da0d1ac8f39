// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>

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

TEST(Loader, GoesOnWithTheRestOfTheEpochInALoop) {
  Loader loader = numbered_loader(7, LoaderOptions().batch_size(2));
  Loader by_call = numbered_loader(7, LoaderOptions().batch_size(2));
  loader.next();
  by_call.next();
  Rows rest;
  for (const auto& batch : loader) {
    EXPECT_EQ(loader.epoch(), 0);
    const Rows rows = rows_in(batch);
    rest.insert(rest.end(), rows.begin(), rows.end());
  }
  EXPECT_EQ(rest, rest_of_epoch(by_call));
  EXPECT_EQ(rest.size(), 5u);
  EXPECT_EQ(loader.epoch(), 1);
}

TEST(Loader, HasAnEmptyLoopAfterTheLastBatchOfAnEpoch) {
  Loader loader = numbered_loader(4, LoaderOptions().batch_size(2));
  loader.next();
  loader.next();
  Loader restored = numbered_loader(4, LoaderOptions().batch_size(2));
  restored.restore(loader.state());
  for (Loader* each : {&loader, &restored}) {
    for (const auto& batch : *each) {
      ADD_FAILURE() << "a batch of " << batch.rows() << " rows";
    }
    EXPECT_EQ(each->epoch(), 1);
    EXPECT_EQ(rest_of_epoch(*each).size(), 4u);
  }
}

TEST(Loader, BeginsTheNextEpochWhenAsked) {
  Loader loader = numbered_loader(7, LoaderOptions().batch_size(2));
  Loader by_call = numbered_loader(7, LoaderOptions().batch_size(2));
  loader.next();
  loader.next_epoch();
  rest_of_epoch(by_call);
  EXPECT_EQ(loader.epoch(), 1);
  EXPECT_EQ(rest_of_epoch(loader), rest_of_epoch(by_call));
}

class LoaderBatches : public ::testing::TestWithParam<bool> {};

TEST_P(LoaderBatches, AreCopiesOfTheRows) {
  const Dataset data = numbered_rows(6);
  const at::Tensor input = data.input().clone();
  const at::Tensor target = data.target("y").clone();
  for (const int64_t size : {2, 6}) {
    Loader loader(data, LoaderOptions().batch_size(size).shuffle(GetParam()));
    for (const auto& batch : loader) {
      at::Tensor(batch.input()).zero_();
      at::Tensor(batch.part("y").labels.target()).fill_(7);
    }
  }
  EXPECT_TRUE(at::equal(data.input(), input));
  EXPECT_TRUE(at::equal(data.target("y"), target));
}

INSTANTIATE_TEST_SUITE_P(Shuffled, LoaderBatches, ::testing::Bool());

TEST(Loader, StandsStillWhereALoopIsLeft) {
  Loader loader = numbered_loader(7, LoaderOptions().batch_size(2));
  for (const auto& batch : loader) {
    EXPECT_EQ(batch.rows(), 2);
    break;
  }
  EXPECT_EQ(loader.state().epoch, 0);
  EXPECT_EQ(loader.state().position, 2);
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

TEST_P(LoaderRestore, GoesOnInALoop) {
  const auto options = LoaderOptions().batch_size(3).seed(5);
  Loader loader = numbered_loader(8, options);
  for (int call = 0; call < GetParam(); ++call) {
    loader.next();
  }
  Loader restored = numbered_loader(8, options);
  restored.restore(loader.state());
  for (int epoch = 0; epoch < 3; ++epoch) {
    Rows looped;
    for (const Batch& batch : restored) {
      const Rows rows = rows_in(batch);
      looped.insert(looped.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(looped, rest_of_epoch(loader));
  }
}

TEST(Loader, RefusesAStateThatItCannotBeIn) {
  Loader loader = numbered_loader(8, {});
  EXPECT_TRUE(says(
      error_of([&] { loader.restore({1, 9, {}}); }),
      {"8 rows", "epoch 1", "position 9"}));
  EXPECT_TRUE(
      says(error_of([&] { loader.restore({-1, 0, {}}); }), {"epoch -1"}));
  EXPECT_TRUE(
      says(error_of([&] { loader.restore({0, -2, {}}); }), {"position -2"}));
}

TEST(Loader, RefusesAPositionBetweenBatches) {
  Loader loader = numbered_loader(32, LoaderOptions().batch_size(8));
  loader.next();
  const LoaderState before = loader.state();
  EXPECT_TRUE(says(
      error_of([&] { loader.restore({0, 12, {}}); }),
      {"32 rows in batches of 8", "position 12"}));
  EXPECT_THROW(loader.restore({0, 12, {}}), c10::ValueError);
  EXPECT_EQ(loader.state(), before);
  loader.restore({0, 16, {}});
  EXPECT_EQ(rest_of_epoch(loader).size(), 16u);
}

TEST(Loader, EndsAnEpochWhereItsLastBatchDoes) {
  Loader all = numbered_loader(7, LoaderOptions().batch_size(3));
  all.restore({0, 7, {}});
  EXPECT_FALSE(all.next().has_value());
  Loader whole =
      numbered_loader(7, LoaderOptions().batch_size(3).drop_last(true));
  whole.restore({0, 6, {}});
  EXPECT_FALSE(whole.next().has_value());
  EXPECT_TRUE(
      says(error_of([&] { whole.restore({0, 7, {}}); }), {"position 7"}));
}

struct OtherLoader {
  const char* difference;
  int64_t rows;
  LoaderOptions options;
};

class LoaderOfAnother : public ::testing::TestWithParam<OtherLoader> {};

TEST_P(LoaderOfAnother, IsRefusedByWhatSetsItApart) {
  const auto& [difference, rows, options] = GetParam();
  Loader other = numbered_loader(rows, options);
  other.next();
  Loader loader = numbered_loader(8, LoaderOptions().batch_size(2));
  loader.next_endless();
  const LoaderState before = loader.state();
  EXPECT_TRUE(says(
      error_of([&] { loader.load_state(other.state()); }),
      {"Loader: the state is of another loader: ", difference}));
  EXPECT_THROW(loader.load_state(other.state()), c10::ValueError);
  EXPECT_EQ(loader.state(), before);
}

INSTANTIATE_TEST_SUITE_P(
    State,
    LoaderOfAnother,
    ::testing::Values(
        OtherLoader{"seed: 3, not 0", 8, LoaderOptions().batch_size(2).seed(3)},
        OtherLoader{"rows: 10, not 8", 10, LoaderOptions().batch_size(2)},
        OtherLoader{"batch_size: 4, not 2", 8, LoaderOptions().batch_size(4)},
        OtherLoader{
            "shuffle: 0, not 1",
            8,
            LoaderOptions().batch_size(2).shuffle(false)},
        OtherLoader{
            "drop_last: 1, not 0",
            8,
            LoaderOptions().batch_size(2).drop_last(true)},
        OtherLoader{
            "rows: 10, not 8; batch_size: 4, not 2; seed: 5, not 0",
            10,
            LoaderOptions().batch_size(4).seed(5)}));

TEST(Loader, IsSavedAndLoadedAsAnArchive) {
  const auto options =
      LoaderOptions().batch_size(3).seed(0xFFFFFFFFFFFFFFFEull);
  Loader loader = numbered_loader(8, options);
  rest_of_epoch(loader);
  loader.next();
  std::stringstream stream;
  torch::save(loader, stream);
  Loader restored = numbered_loader(8, options);
  torch::load(restored, stream);
  EXPECT_EQ(restored.state(), loader.state());
  EXPECT_EQ(rest_of_epoch(restored), rest_of_epoch(loader));
  EXPECT_EQ(rest_of_epoch(restored), rest_of_epoch(loader));
}

TEST(Loader, KeepsAStateThatSaysNothingOfItsLoader) {
  torch::serialize::OutputArchive written;
  LoaderState{2, 3, {}}.save(written);
  std::stringstream stream;
  written.save_to(stream);
  torch::serialize::InputArchive archive;
  archive.load_from(stream);
  EXPECT_EQ(LoaderState::read(archive, "test"), (LoaderState{2, 3, {}}));
}

// What `write` puts into an archive, as a loader reads it.
template <typename Write>
std::string error_of_loading(Write&& write) {
  torch::serialize::OutputArchive written;
  write(written);
  std::stringstream stream;
  written.save_to(stream);
  Loader loader = numbered_loader(8, LoaderOptions().batch_size(2));
  loader.next();
  const LoaderState before = loader.state();
  const auto message = error_of([&] { torch::load(loader, stream); });
  EXPECT_EQ(loader.state(), before);
  return message;
}

TEST(Loader, RefusesTheArchiveOfAnotherLoaderOrOfAnythingElse) {
  EXPECT_TRUE(says(
      error_of_loading([](auto& archive) {
        numbered_loader(8, LoaderOptions().batch_size(4)).save(archive);
      }),
      {"batch_size: 4, not 2"}));
  EXPECT_TRUE(says(
      error_of_loading(
          [](auto& archive) { archive.write("x", at::zeros({1})); }),
      {"Loader: expected the text 'kind' in the archive"}));
  EXPECT_TRUE(says(
      error_of_loading([](auto& archive) {
        archive.write("kind", c10::IValue("polytask::data::Loader"));
        archive.write("version", c10::IValue(int64_t{9}));
      }),
      {"newer polytask", "version 9"}));
  EXPECT_TRUE(says(
      error_of_loading([](auto& archive) {
        archive.write("kind", c10::IValue("polytask::data::Loader"));
        archive.write("version", c10::IValue(int64_t{1}));
        archive.write("epoch", c10::IValue(0.5));
      }),
      {"the number 'epoch'", "Double"}));
}

// Rows 0 and 1 are ignored, as far as the loss is concerned.
Dataset classes_with_255() {
  return Dataset(
      at::zeros({4, 1}), {{"y", at::tensor({255, 255, 1, 2}, at::kLong)}});
}

class LoaderInputs : public ::testing::TestWithParam<bool> {};

TEST_P(LoaderInputs, KeepTheirNamesAndRows) {
  const at::Tensor numbers = at::arange(6, at::kFloat);
  const at::Tensor ids = at::arange(6);
  const Dataset data(
      Inputs{{"dense", numbers.view({6, 1})}, {"ids", ids}}, {{"y", numbers}});
  Loader loader(data, LoaderOptions().batch_size(4).shuffle(GetParam()));
  int64_t rows = 0;
  for (const auto& batch : loader) {
    const at::Tensor& target = batch.part("y").labels.target();
    EXPECT_EQ(
        batch.inputs().names(), (std::vector<std::string>{"dense", "ids"}));
    EXPECT_TRUE(at::equal(batch.inputs()["dense"].flatten(), target));
    EXPECT_TRUE(at::equal(batch.inputs()["ids"], target.to(at::kLong)));
    at::Tensor(batch.inputs()["ids"]).zero_();
    rows += batch.rows();
  }
  EXPECT_EQ(rows, 6);
  EXPECT_TRUE(at::equal(ids, at::arange(6)));
}

INSTANTIATE_TEST_SUITE_P(Shuffled, LoaderInputs, ::testing::Bool());

TEST(Loader, NamesTheInputThatHoldsNan) {
  const at::Tensor input =
      at::full({2, 1}, std::numeric_limits<double>::quiet_NaN());
  const Dataset data(
      Inputs{{"dense", input}, {"ids", at::zeros({2}, at::kLong)}},
      {{"y", at::zeros({2})}});
  EXPECT_TRUE(says(error_of([&] { Loader{data}; }), {"'dense'", "2 NaN"}));
}

class LoaderWeights : public ::testing::TestWithParam<bool> {};

TEST_P(LoaderWeights, GoWithTheirRows) {
  const at::Tensor weights = at::arange(6, at::kFloat); // as the inputs
  Loader loader(
      numbered_rows(6).with_weights({{"y", weights}}),
      LoaderOptions().batch_size(4).shuffle(GetParam()));
  int64_t left_out = 0;
  for (const auto& batch : loader) {
    const Labels& labels = batch.part("y").labels;
    EXPECT_TRUE(at::equal(labels.weights(), batch.input().flatten()));
    at::Tensor(labels.weights()).zero_();
    left_out += labels.missing();
  }
  EXPECT_EQ(left_out, 1); // the row of weight 0
  EXPECT_TRUE(at::equal(weights, at::arange(6, at::kFloat)));
}

INSTANTIATE_TEST_SUITE_P(Shuffled, LoaderWeights, ::testing::Bool());

TEST(Loader, PromisesNothingOfClassIndices) {
  for (const bool shuffle : {false, true}) {
    Loader loader(
        classes_with_255(), LoaderOptions().batch_size(2).shuffle(shuffle));
    int64_t ignored = 0;
    for (const auto& batch : loader) {
      ignored += batch.part("y").labels.with_ignore_index(255).missing();
    }
    EXPECT_EQ(ignored, 2);
  }
}

TEST(Loader, TakesTheWordThatNoClassIndexIsIgnored) {
  Loader loader(
      classes_with_255(), LoaderOptions().batch(BatchOptions().complete(true)));
  const auto batch = loader.next();
  EXPECT_EQ(batch->part("y").labels.with_ignore_index(255).missing(), 0);
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
