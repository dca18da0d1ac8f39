// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/ranked_job.h"

#include <gtest/gtest.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/soft_sharing.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <limits>

namespace polytask::testing {

namespace {

using torch::nn::Linear;

torch::nn::Sequential ranked_layers() {
  return torch::nn::Sequential(Linear(4, 6), torch::nn::Tanh());
}

std::shared_ptr<Sharing> ranked_sharing(const std::string& kind) {
  if (kind == "experts") {
    return MMoE(MMoEOptions(4, [] { return ranked_layers(); }).experts(2))
        .ptr();
  }
  if (kind == "own experts") {
    return CGC(CGCOptions(ExpertLevelOptions(4, [] { return ranked_layers(); }))
                   .own_parts_are_shared(false))
        .ptr();
  }
  if (kind == "soft") {
    return SoftSharing([] { return ranked_layers(); }).ptr();
  }
  return HardSharing(ranked_layers()).ptr();
}

} // namespace

MultiTaskModel ranked_model(const std::string& kind) {
  MultiTaskModel model(ranked_sharing(kind));
  model->add_task("a", Task(Linear(6, 1), MSELoss()).weight(0.7));
  model->add_task("b c", Task(Linear(6, 2), MSELoss()));
  model->add_task("class", Task(Linear(6, 3), CrossEntropyLoss()));
  model->to(torch::kDouble);
  return model;
}

std::vector<MultiTaskModel> models_of_ranks(
    const MultiTaskModel& model, int64_t ranks) {
  const torch::NoGradGuard no_grad;
  std::vector<MultiTaskModel> models;
  for (int64_t i = 0; i < ranks; ++i) {
    models.push_back(clone(model));
    if (i > 0) {
      for (auto& parameter : models.back()->parameters()) {
        parameter.zero_();
      }
    }
  }
  return models;
}

RankedRows::RankedRows(int64_t seed, bool everywhere) {
  torch::manual_seed(seed);
  input = torch::randn({kRankedRows, 4}, torch::kDouble);
  const double missing = std::numeric_limits<double>::quiet_NaN();
  torch::Tensor b = torch::randn({kRankedRows, 2}, torch::kDouble);
  b.masked_fill_(torch::rand({kRankedRows, 2}) < 0.3, missing);
  torch::Tensor classes = torch::randint(3, {kRankedRows});
  if (!everywhere) {
    classes.narrow(0, 0, kRankedRows - 5).fill_(-100);
  }
  targets = {
      {"a", torch::randn({kRankedRows, 1}, torch::kDouble)},
      {"b c", b},
      {"class", classes}};
  weights = {{"a", torch::rand({kRankedRows}, torch::kDouble)}};
}

Batch RankedRows::part(int64_t begin, int64_t end, bool apart) const {
  const auto cut = [&](const torch::Tensor& all) {
    return all.narrow(0, begin, end - begin).clone();
  };
  Batch::Targets own;
  std::vector<Batch::Example> examples;
  for (const auto& [task, target] : targets) {
    own.emplace_back(task, cut(target));
    examples.push_back({task, cut(input), cut(target)});
  }
  const Batch batch =
      apart ? Batch::per_task(examples) : Batch(cut(input), own);
  return batch.with_weights({{"a", cut(weights[0].second)}});
}

Batch RankedRows::part_of(const Communicator& group, bool apart) const {
  const int64_t each = kRankedRows / group.size() - 2;
  const int64_t begin = each * group.rank();
  const bool is_last = group.rank() + 1 == group.size();
  return part(begin, is_last ? kRankedRows : begin + each, apart);
}

void RankedRun::note(const StepReport& report) {
  losses.push_back(report.losses.clone());
  if (report.sharing_loss.defined()) {
    losses.push_back(report.sharing_loss.clone());
  }
  weights.push_back(report.weights.clone());
}

void RankedRun::note(const MultiTaskModel& model) {
  for (const auto& parameter : model->parameters()) {
    parameters.push_back(parameter.detach().clone());
  }
}

void expect_same_run(const RankedRun& a, const RankedRun& b) {
  ASSERT_EQ(a.losses.size(), b.losses.size());
  for (size_t i = 0; i < a.losses.size(); ++i) {
    EXPECT_TRUE(a.losses[i].allclose(b.losses[i], 1e-11, 1e-11))
        << i << "\n"
        << a.losses[i] << b.losses[i];
  }
  for (size_t i = 0; i < a.weights.size(); ++i) {
    EXPECT_TRUE(a.weights[i].allclose(b.weights[i], 1e-9, 1e-9, true))
        << i << "\n"
        << a.weights[i] << b.weights[i];
  }
  for (size_t i = 0; i < a.parameters.size(); ++i) {
    EXPECT_TRUE(a.parameters[i].allclose(b.parameters[i], 1e-10, 1e-11))
        << i << " by " << (a.parameters[i] - b.parameters[i]).abs().max();
  }
}

} // namespace polytask::testing
