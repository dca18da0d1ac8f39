// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using Numbers = std::vector<int64_t>;

Loader sharded_loader(int64_t rows, int64_t rank, int64_t ranks) {
  const at::Tensor numbers = at::arange(rows, at::kFloat).view({rows, 1});
  return Loader(
      Dataset(numbers, {{"y", at::ones_like(numbers)}}),
      LoaderOptions().batch_size(8).seed(4).shard(rank, ranks));
}

// Those that have a label.
Numbers labelled_rows(const Batch& batch) {
  const Batch::Part& part = batch.part("y");
  const at::Tensor target = part.labels.target().flatten();
  Numbers found;
  for (int64_t i = 0; i < part.input.size(0); ++i) {
    if (!std::isnan(target[i].item<float>())) {
      found.push_back(part.input[i].item<int64_t>());
    }
  }
  return found;
}

// The next batch of the shards of so many ranks, one after the other.
Numbers next_of_all(std::vector<Loader>& loaders) {
  Numbers all;
  for (Loader& loader : loaders) {
    const auto batch = loader.next();
    if (batch) {
      const Numbers own = labelled_rows(*batch);
      all.insert(all.end(), own.begin(), own.end());
    }
  }
  return all;
}

std::vector<Loader> shards(int64_t rows, int64_t ranks) {
  std::vector<Loader> loaders;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    loaders.push_back(sharded_loader(rows, rank, ranks));
  }
  return loaders;
}

// 33 rows: the last batch has one, which one rank gets.
TEST(LoaderShard, AreTogetherTheBatchesOfOneLoader) {
  for (const int64_t ranks : {2, 3, 5}) {
    Loader whole = sharded_loader(33, 0, 1);
    auto loaders = shards(33, ranks);
    for (int step = 0; step < 12; ++step) {
      const auto batch = whole.next();
      EXPECT_EQ(
          next_of_all(loaders), batch ? labelled_rows(*batch) : Numbers{});
      for (const Loader& loader : loaders) {
        EXPECT_EQ(loader.epoch(), whole.epoch());
        EXPECT_EQ(loader.batches_per_epoch(), whole.batches_per_epoch());
      }
    }
  }
}

TEST(LoaderShard, DivideABatchEvenly) {
  auto loaders = shards(32, 3);
  Numbers counts;
  for (Loader& loader : loaders) {
    counts.push_back(loader.next()->input().size(0));
  }
  EXPECT_EQ(counts, (Numbers{2, 3, 3}));
}

TEST(LoaderShard, GoOnWithAnotherNumberOfRanks) {
  Loader whole = sharded_loader(33, 0, 1);
  auto loaders = shards(33, 3);
  for (int step = 0; step < 2; ++step) {
    next_of_all(loaders);
    whole.next();
  }
  auto others = shards(33, 2);
  for (Loader& loader : others) {
    loader.load_state(loaders[1].state());
  }
  for (int step = 0; step < 8; ++step) {
    const auto batch = whole.next();
    EXPECT_EQ(next_of_all(others), batch ? labelled_rows(*batch) : Numbers{});
  }
}

TEST(LoaderShard, IsOneOfThem) {
  for (const auto& [rank, ranks] :
       std::vector<std::pair<int64_t, int64_t>>{{2, 2}, {-1, 2}, {0, 0}}) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { sharded_loader(33, rank, ranks); }),
        {"expected a shard from 0 to their number - 1"}));
  }
}

} // namespace
} // namespace polytask::data
