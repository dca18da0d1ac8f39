// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/multi_loader.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <limits>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

// Row i has the input `first` + i, which is also the target of each task.
Dataset rows_from(
    int64_t first, int64_t rows, const std::vector<std::string>& tasks) {
  const at::Tensor numbers = at::arange(first, first + rows, at::kFloat);
  Batch::Targets targets;
  for (const auto& task : tasks) {
    targets.emplace_back(task, numbers);
  }
  return Dataset(numbers.view({rows, 1}), targets);
}

// Three rows for a and b, five for c.
MultiLoader two_sets(const LoaderOptions& options) {
  return MultiLoader(
      {rows_from(0, 3, {"a", "b"}), rows_from(100, 5, {"c"})}, options);
}

LoaderOptions pairs_in_order() {
  return LoaderOptions().batch_size(2).shuffle(false);
}

at::Tensor inputs_of(const Batch& batch, const std::string& task) {
  return batch.part(task).input.flatten();
}

// What the next calls give, one after another.
at::Tensor draws(MultiLoader& loader) {
  std::vector<at::Tensor> all;
  for (int call = 0; call < 4; ++call) {
    all.push_back(inputs_of(loader.next("b"), "b"));
    const Batch joined = loader.next_all();
    all.push_back(inputs_of(joined, "a"));
    all.push_back(inputs_of(joined, "c"));
  }
  return at::cat(all);
}

TEST(MultiLoader, KnowsItsTasksAndTheirRows) {
  const MultiLoader loader = two_sets({});
  EXPECT_EQ(loader.tasks(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(
      loader.sizes(),
      (std::vector<std::pair<std::string, int64_t>>{
          {"a", 3}, {"b", 3}, {"c", 5}}));
}

TEST(MultiLoader, GivesABatchOfTheTasksDataset) {
  MultiLoader loader = two_sets(pairs_in_order());
  const Batch batch = loader.next("b");
  EXPECT_EQ(batch.tasks(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(at::equal(inputs_of(batch, "b"), at::arange(0, 2, at::kFloat)));
}

TEST(MultiLoader, GoesThroughEachDatasetAtItsOwnPace) {
  MultiLoader loader = two_sets(pairs_in_order());
  loader.next("a");
  EXPECT_TRUE(at::equal(
      inputs_of(loader.next("c"), "c"), at::arange(100, 102, at::kFloat)));
  EXPECT_TRUE(at::equal(
      inputs_of(loader.next("b"), "b"), at::arange(2, 3, at::kFloat)));
  EXPECT_TRUE(at::equal(
      inputs_of(loader.next("a"), "a"), at::arange(0, 2, at::kFloat)));
  EXPECT_TRUE(at::equal(
      inputs_of(loader.next("c"), "c"), at::arange(102, 104, at::kFloat)));
}

TEST(MultiLoader, JoinsABatchOfEveryDataset) {
  MultiLoader loader = two_sets(pairs_in_order());
  loader.next("a");
  const Batch batch = loader.next_all();
  EXPECT_FALSE(batch.shares_input());
  EXPECT_EQ(batch.tasks(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(at::equal(inputs_of(batch, "b"), at::arange(2, 3, at::kFloat)));
  EXPECT_TRUE(
      at::equal(inputs_of(batch, "c"), at::arange(100, 102, at::kFloat)));
  EXPECT_TRUE(at::equal(
      batch.part("c").labels.target(), at::arange(100, 102, at::kFloat)));
}

TEST(MultiLoader, GivesTheTasksOfADatasetOneTensor) {
  MultiLoader loader = two_sets({});
  const Batch batch = loader.next_all();
  EXPECT_TRUE(batch.part("a").input.is_same(batch.part("b").input));
  EXPECT_FALSE(batch.part("a").input.is_same(batch.part("c").input));
}

TEST(MultiLoader, GivesAPlainBatchOfASingleDataset) {
  MultiLoader loader({rows_from(0, 3, {"a", "b"})});
  EXPECT_TRUE(loader.next_all().shares_input());
}

TEST(MultiLoader, GivesCopiesOfTheRows) {
  const Dataset a = rows_from(0, 4, {"a"});
  const Dataset b = rows_from(4, 4, {"b"});
  MultiLoader loader({a, b}, pairs_in_order());
  at::Tensor(loader.next("a").input()).zero_();
  at::Tensor(loader.next_all().part("b").input).zero_();
  EXPECT_TRUE(at::equal(a.input().flatten(), at::arange(0, 4, at::kFloat)));
  EXPECT_TRUE(at::equal(b.input().flatten(), at::arange(4, 8, at::kFloat)));
}

TEST(MultiLoader, JoinsNamedInputs) {
  const auto named = [](int64_t first, const std::vector<std::string>& tasks) {
    const Dataset plain = rows_from(first, 4, tasks);
    return Dataset(
        Inputs{{"dense", plain.input()}, {"twice", plain.input() * 2}},
        plain.targets());
  };
  MultiLoader loader(
      {named(0, {"a", "b"}), named(8, {"c"})}, LoaderOptions().batch_size(3));
  const Batch batch = loader.next_all();
  for (const auto& task : {"a", "b", "c"}) {
    const auto& part = batch.part(task);
    EXPECT_TRUE(
        at::equal(part.inputs["twice"].flatten(), part.labels.target() * 2));
  }
  EXPECT_EQ(
      batch.part("a").inputs.identity(), batch.part("b").inputs.identity());
  EXPECT_NE(
      batch.part("a").inputs.identity(), batch.part("c").inputs.identity());
}

TEST(MultiLoader, GivesWeightsWithTheirRows) {
  MultiLoader loader(
      {rows_from(1, 4, {"a", "b"})
           .with_weights({{"b", at::arange(1, 5, at::kFloat)}}),
       rows_from(7, 4, {"c"})
           .with_weights({{"c", at::arange(7, 11, at::kFloat)}})},
      LoaderOptions().batch_size(3));
  for (int step = 0; step < 4; ++step) {
    const Batch batch = loader.next_all();
    EXPECT_FALSE(batch.part("a").labels.weights().defined());
    for (const auto& task : {"b", "c"}) {
      EXPECT_TRUE(
          at::equal(batch.part(task).labels.weights(), inputs_of(batch, task)));
    }
    const Batch single = loader.next("c");
    EXPECT_TRUE(
        at::equal(single.part("c").labels.weights(), inputs_of(single, "c")));
  }
}

TEST(MultiLoader, PromisesNothingOfClassIndices) {
  const at::Tensor classes = at::tensor({255, 1}, at::kLong);
  MultiLoader loader(
      {rows_from(0, 2, {"a"}), Dataset(at::zeros({2, 1}), {{"b", classes}})},
      pairs_in_order());
  for (const Batch& batch : {loader.next("b"), loader.next_all()}) {
    const Labels& labels = batch.part("b").labels;
    EXPECT_EQ(labels.with_ignore_index(255).missing(), 1);
  }
}

TEST(MultiLoader, FindsTheMissingLabelsOfAJoinedBatch) {
  at::Tensor target = at::zeros({2});
  target[1] = std::numeric_limits<double>::quiet_NaN();
  MultiLoader loader(
      {rows_from(0, 2, {"a"}), Dataset(at::zeros({2, 1}), {{"b", target}})});
  const Batch batch = loader.next_all();
  EXPECT_EQ(batch.part("a").labels.missing(), 0);
  EXPECT_EQ(batch.part("b").labels.missing(), 1);
}

TEST(MultiLoader, ShufflesDatasetsOfOneSizeDifferently) {
  MultiLoader loader({rows_from(0, 30, {"a"}), rows_from(0, 30, {"b"})});
  EXPECT_FALSE(at::equal(
      inputs_of(loader.next("a"), "a"), inputs_of(loader.next("b"), "b")));
}

TEST(MultiLoader, GoesOnAsBeforeWhenRestored) {
  const auto options = LoaderOptions().batch_size(2).seed(4);
  MultiLoader loader = two_sets(options);
  loader.next_all();
  loader.next("c");
  MultiLoader restored = two_sets(options);
  restored.restore(loader.state());
  EXPECT_TRUE(at::equal(draws(restored), draws(loader)));
  EXPECT_EQ(restored.state(), loader.state());
}

TEST(MultiLoader, NamesItsTasksBesideAnUnknownOne) {
  MultiLoader loader = two_sets({});
  EXPECT_TRUE(says(
      error_of([&] { loader.next("d"); }), {"no task 'd'", "'a', 'b', 'c'"}));
}

TEST(MultiLoader, RefusesATaskOfTwoDatasets) {
  EXPECT_TRUE(says(
      error_of([] {
        MultiLoader({rows_from(0, 2, {"a", "b"}), rows_from(0, 2, {"b"})});
      }),
      {"task 'b' stands in more than one data set"}));
}

TEST(MultiLoader, RefusesToHaveNoDataset) {
  EXPECT_TRUE(says(
      error_of([] { MultiLoader(std::vector<Dataset>{}); }), {"no data set"}));
}

TEST(MultiLoader, NamesTheDatasetThatALoaderRefuses) {
  EXPECT_TRUE(says(
      error_of([] {
        MultiLoader({rows_from(0, 2, {"a"}), rows_from(0, 0, {"b"})});
      }),
      {"MultiLoader: data set 1: ", "no rows"}));
}

TEST(MultiLoader, RefusesAStateOfAnotherNumberOfDatasets) {
  MultiLoader loader = two_sets({});
  EXPECT_TRUE(says(
      error_of([&] { loader.restore({LoaderState{}}); }),
      {"each of the 2 data sets, but got 1"}));
}

TEST(MultiLoader, StaysWhereItIsIfAStateIsRefused) {
  MultiLoader loader = two_sets({});
  const auto before = loader.state();
  EXPECT_TRUE(says(
      error_of([&] { loader.restore({{1, 0, {}}, {0, 6, {}}}); }),
      {"MultiLoader: data set 1: ", "position 6"}));
  EXPECT_EQ(loader.state(), before);
}

TEST(MultiLoader, RefusesTheStateOfOtherDatasetsOrOptions) {
  MultiLoader loader = two_sets({});
  MultiLoader swapped({rows_from(100, 5, {"c"}), rows_from(0, 3, {"a", "b"})});
  EXPECT_TRUE(says(
      error_of([&] { loader.load_state(swapped.state()); }),
      {"data set 0", "rows: 5, not 3"}));
  MultiLoader reseeded = two_sets(LoaderOptions().seed(7));
  EXPECT_TRUE(says(
      error_of([&] { loader.load_state(reseeded.state()); }),
      {"data set 0", "seed: 7, not 0"}));
}

TEST(MultiLoader, IsSavedAndLoadedAsAnArchive) {
  const auto options = LoaderOptions().batch_size(2).seed(4);
  MultiLoader loader = two_sets(options);
  loader.next_all();
  loader.next("c");
  std::stringstream stream;
  torch::save(loader, stream);
  MultiLoader restored = two_sets(options);
  torch::load(restored, stream);
  EXPECT_EQ(restored.state(), loader.state());
  EXPECT_TRUE(at::equal(draws(restored), draws(loader)));
}

TEST(MultiLoader, RefusesTheArchiveOfAnotherNumberOfDatasetsOrOfOneLoader) {
  MultiLoader loader = two_sets({});
  const auto before = loader.state();
  std::stringstream fewer;
  torch::save(MultiLoader({rows_from(0, 3, {"a", "b"})}), fewer);
  EXPECT_TRUE(says(
      error_of([&] { torch::load(loader, fewer); }),
      {"each of the 2 data sets, but got 1"}));
  std::stringstream single;
  torch::save(Loader(rows_from(0, 3, {"a", "b"})), single);
  EXPECT_TRUE(says(
      error_of([&] { torch::load(loader, single); }),
      {"MultiLoader: expected an archive of a polytask::data::MultiLoader",
       "polytask::data::Loader"}));
  EXPECT_EQ(loader.state(), before);
}

} // namespace
} // namespace polytask::data
