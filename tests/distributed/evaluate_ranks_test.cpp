// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/fit/evaluate.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/metrics/accuracy.h>
#include <polytask/task/metrics/correlation.h>
#include <polytask/task/metrics/errors.h>
#include <polytask/task/metrics/roc_auc.h>
#include <polytask/task/metrics/variance.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/ranks.h"

// Metrics of rows that several processes have between them.

namespace polytask {
namespace {

using testing::expect_ranks;
using ::testing::HasSubstr;
using testing::run_ranks;
using Group = std::shared_ptr<Communicator>;

constexpr int64_t kJudgedRows = 29;

struct Judged {
  Judged() {
    torch::manual_seed(5);
    model = MultiTaskModel(torch::nn::Linear(3, 4));
    model->add_task(
        "y",
        Task(torch::nn::Linear(4, 1), MSELoss())
            .metric(RMSE())
            .metric(R2())
            .metric(Pearson()));
    model->add_task(
        "c",
        Task(torch::nn::Linear(4, 1), BCEWithLogitsLoss())
            .metric(ROCAUC())
            .metric(Accuracy()));
    torch::Tensor y = torch::randn({kJudgedRows, 1});
    y.slice(0, 0, 11).fill_(std::numeric_limits<float>::quiet_NaN());
    rows.emplace(
        torch::randn({kJudgedRows, 3}),
        Batch::Targets{
            {"y", y},
            {"c", torch::rand({kJudgedRows, 1}).gt(0.5).to(torch::kFloat)}});
    rows = rows->with_weights({{"c", torch::rand({kJudgedRows})}});
  }

  fit::Evaluation evaluate(
      const fit::EvaluationData& data, const Group& group = {}) const {
    return fit::evaluate(
        model, data, fit::EvaluateOptions().batch_size(4).communicator(group));
  }

  MultiTaskModel model{torch::nn::Linear(1, 1)};
  std::optional<data::Dataset> rows;
};

void expect_same(const fit::Evaluation& a, const fit::Evaluation& b) {
  const auto values = a.values();
  ASSERT_EQ(values.size(), b.values().size());
  for (const auto& value : values) {
    EXPECT_NEAR(value.value, b.value(value.name), 1e-6) << value.name;
  }
  for (const auto& task : a.tasks()) {
    EXPECT_EQ(task.labels, b.task(task.task).labels);
  }
}

TEST(EvaluateRanks, JudgeAllRowsTogether) {
  const Judged judged;
  const auto alone = judged.evaluate(*judged.rows);
  for (const int64_t ranks : {2, 3, 7}) {
    expect_ranks(ranks, [&](const Group& group) {
      const auto part =
          fit::EvaluationData(*judged.rows).shard(group->rank(), group->size());
      expect_same(alone, judged.evaluate(part, group));
    });
  }
}

TEST(EvaluateRanks, MayHaveNoRow) {
  const Judged judged;
  const Batch batch = judged.rows->batch();
  const auto alone = judged.evaluate(batch);
  expect_ranks(2, [&](const Group& group) {
    const auto part = fit::EvaluationData(batch).shard(group->rank(), 2);
    expect_same(alone, judged.evaluate(part, group));
    EXPECT_THROW(
        judged.evaluate(
            fit::EvaluationData::Next([] { return std::nullopt; }), group),
        c10::ValueError);
  });
}

TEST(EvaluateRanks, RefuseTogether) {
  const Judged judged;
  const auto errors = run_ranks(2, [&](const Group& group) {
    const int64_t width = group->rank() == 1 ? 2 : 3;
    judged.evaluate(
        Batch(torch::randn({4, width}), {{"y", torch::randn({4, 1})}}), group);
  });
  EXPECT_THAT(errors[0], HasSubstr("rank 1 of 2"));
  EXPECT_THAT(errors[1], HasSubstr("evaluate: task 'y'"));
}

TEST(EvaluateRanks, ShareOutRowsOnce) {
  const Judged judged;
  const auto batches = [&](int64_t count) {
    return [&judged, count, given = int64_t{0}]() mutable {
      if (given == count) {
        given = 0;
        return std::optional<Batch>();
      }
      ++given;
      return std::optional<Batch>(judged.rows->batch());
    };
  };
  for (const int64_t size : {1, 2, 5}) {
    int64_t rows = 0;
    int64_t of_callable = 0;
    for (int64_t rank = 0; rank < size; ++rank) {
      fit::EvaluationData(*judged.rows)
          .shard(rank, size)
          .for_each(4, [&](const Batch& batch) { rows += batch.rows(); });
      const auto part =
          fit::EvaluationData(fit::EvaluationData::Next(batches(7)))
              .shard(rank, size);
      for (int time = 0; time < 2; ++time) {
        part.for_each(4, [&](const Batch&) { ++of_callable; });
      }
    }
    EXPECT_EQ(rows, kJudgedRows);
    EXPECT_EQ(of_callable, 14);
  }
  EXPECT_THROW(fit::EvaluationData(*judged.rows).shard(2, 2), c10::ValueError);
}

} // namespace
} // namespace polytask
