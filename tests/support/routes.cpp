// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/routes.h"

#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/l1.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/modules/pooling.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tests/support/experts.h"
#include "tests/support/networks.h"
#include "tests/support/original_job.h"

namespace polytask::testing {

namespace {

using torch::nn::Linear;
using torch::nn::LinearOptions;

constexpr int64_t kRows = 70; // no whole number of vectors

torch::Tensor noise(at::IntArrayRef shape, torch::Dtype dtype) {
  return torch::randn(shape, torch::kDouble).to(dtype);
}

torch::Tensor with_gaps(torch::Tensor target, int64_t every) {
  torch::Tensor flat = target.view(-1);
  for (int64_t i = 0; i < flat.numel(); i += every) {
    flat[i] = std::nan("");
  }
  return target;
}

Batch::Targets three_targets(torch::Dtype dtype) {
  return {
      {"a", noise({kRows, 1}, dtype)},
      {"b", noise({kRows, 1}, dtype)},
      {"c", noise({kRows, 1}, dtype)}};
}

std::function<Batch(torch::Dtype)> plain_batch(int64_t width) {
  return [width](torch::Dtype dtype) {
    torch::manual_seed(11);
    const auto x = noise({kRows, width}, dtype);
    return Batch(x, three_targets(dtype));
  };
}

std::function<MultiTaskModel()> linear_model(int64_t width) {
  return [width] {
    torch::manual_seed(12);
    MultiTaskModel model;
    model->add_task("a", LinearTask(width, 1));
    model->add_task("b", Task(Linear(width, 1), MSELoss()).weight(0.3));
    model->add_task("c", LinearTask(LinearTaskOptions(width, 1).bias(false)));
    return model;
  };
}

MultiTaskModel behind(Network trunk, int64_t features) {
  MultiTaskModel model{HardSharing(std::move(trunk))};
  model->add_task("a", LinearTask(features, 1));
  model->add_task("b", Task(Linear(features, 1), MSELoss()).weight(0.3));
  model->add_task("c", Task(Linear(features, 1), HuberLoss(0.7)));
  return model;
}

RouteJob original_job() {
  return {
      "OriginalJob",
      Route::kLinearProgram,
      [] { return OriginalJob(3).model(); },
      [](torch::Dtype dtype) { return OriginalJob(3, dtype).batch(); }};
}

RouteJob missing_labels() {
  return {
      "MissingLabels",
      Route::kLinearProgram,
      linear_model(6),
      [](torch::Dtype dtype) {
        torch::manual_seed(13);
        const auto x = noise({kRows, 6}, dtype);
        return Batch(
            x,
            {{"a", with_gaps(noise({kRows, 1}, dtype), 3)},
             {"b", noise({kRows, 1}, dtype)},
             {"c", with_gaps(noise({kRows, 1}, dtype), 5)}});
      }};
}

RouteJob task_without_labels() {
  return {
      "TaskWithoutLabels",
      Route::kLinearProgram,
      linear_model(20),
      [](torch::Dtype dtype) {
        torch::manual_seed(14);
        const auto x = noise({kRows, 20}, dtype);
        return Batch(
            x,
            {{"a", noise({kRows, 1}, dtype)},
             {"b", with_gaps(noise({kRows, 1}, dtype), 1)},
             {"c", noise({kRows, 1}, dtype)}});
      }};
}

RouteJob several_outputs() {
  return {
      "SeveralOutputs",
      Route::kLinearProgram,
      [] {
        torch::manual_seed(15);
        MultiTaskModel model;
        model->add_task("a", LinearTask(18, 3));
        model->add_task("b", LinearTask(18, 1));
        model->add_task("c", LinearTask(18, 2));
        return model;
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(16);
        const auto x = noise({kRows, 18}, dtype);
        const auto wide = noise({kRows, 7}, dtype);
        return Batch(
            x,
            {{"a", with_gaps(noise({kRows, 3}, dtype), 4)},
             {"b", wide.narrow(1, 2, 1)}, // with a stride
             {"c", wide.narrow(1, 4, 2)}});
      }};
}

RouteJob many_losses() {
  return {
      "ManyLosses",
      Route::kLinearProgram,
      [] {
        torch::manual_seed(17);
        MultiTaskModel model;
        model->add_task("l1", Task(Linear(6, 1), L1Loss()));
        model->add_task("huber", Task(Linear(6, 1), HuberLoss(0.5)));
        model->add_task(
            "binary", Task(Linear(6, 1), BCEWithLogitsLoss()).weight(2));
        model->add_task("class", Task(Linear(6, 3), CrossEntropyLoss()));
        return model;
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(18);
        const auto x = noise({kRows, 6}, dtype);
        return Batch(
            x,
            {{"l1", noise({kRows, 1}, dtype)},
             {"huber", with_gaps(noise({kRows, 1}, dtype), 4)},
             {"binary", (noise({kRows, 1}, dtype) > 0).to(dtype)},
             {"class", torch::randint(3, {kRows}, torch::kLong)}});
      },
      1,
      /*allocates=*/true};
}

RouteJob binary_losses() {
  return {
      "BinaryLosses",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(33);
        const torch::nn::Sequential trunk(Linear(5, 9), torch::nn::Tanh());
        MultiTaskModel model{HardSharing(trunk)};
        model->add_task("a", Task(Linear(9, 1), BCEWithLogitsLoss()));
        model->add_task("b", Task(Linear(9, 2), BCEWithLogitsLoss(3.0)));
        model->add_task(
            "c",
            Task(
                Linear(LinearOptions(9, 1).bias(false)),
                BCEWithLogitsLoss(0.2)));
        return model;
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(34);
        const auto x = noise({kRows, 5}, dtype);
        const auto shares = [&](int64_t outputs) {
          return noise({kRows, outputs}, dtype).sigmoid();
        };
        return Batch(
            x,
            {{"a", (noise({kRows, 1}, dtype) > 0).to(dtype)},
             {"b", with_gaps(shares(2), 3)},
             {"c", shares(4).narrow(1, 2, 1)}}); // with a stride
      }};
}

RouteJob rows_of_their_own() {
  return {
      "RowsOfTheirOwn",
      Route::kLinearProgram,
      linear_model(6),
      [](torch::Dtype dtype) {
        torch::manual_seed(19);
        return Batch::per_task(
            {{"a", noise({30, 6}, dtype), noise({30, 1}, dtype)},
             {"b", noise({41, 6}, dtype), noise({41, 1}, dtype)},
             {"c", noise({9, 6}, dtype), with_gaps(noise({9, 1}, dtype), 4)}});
      }};
}

RouteJob layers() {
  return {
      "Layers",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(20);
        torch::nn::Sequential trunk(
            Linear(5, 16), torch::nn::ReLU(), Linear(16, 9), torch::nn::ReLU());
        return behind(trunk, 9);
      },
      plain_batch(5),
      0.01};
}

RouteJob other_layers() {
  return {
      "OtherLayers",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(21);
        torch::nn::Sequential trunk(
            Linear(LinearOptions(5, 16).bias(false)),
            torch::nn::Tanh(),
            LinearTask(16, 12),
            torch::nn::Sigmoid(),
            Linear(12, 8));
        return behind(trunk, 8);
      },
      plain_batch(5),
      0.1};
}

RouteJob own_trunk() {
  return {
      "OwnTrunk",
      Route::kStackedHeads,
      [] {
        torch::manual_seed(22);
        return behind(TanhTrunk(5, 8), 8);
      },
      plain_batch(5),
      1,
      /*allocates=*/true};
}

RouteJob convolutions() {
  return {
      "Convolutions",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(23);
        const torch::nn::Sequential trunk(
            torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 3, 3).padding(1)),
            torch::nn::ReLU(),
            torch::nn::MaxPool2d(2),
            torch::nn::Conv2d(
                torch::nn::Conv2dOptions(3, 4, 2).stride(2).bias(false)),
            torch::nn::BatchNorm2d(4),
            torch::nn::GELU(),
            torch::nn::AvgPool2d(2),
            torch::nn::Flatten());
        return behind(trunk, 4);
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(24);
        const auto x = noise({kRows, 2, 8, 8}, dtype);
        return Batch(x, three_targets(dtype));
      },
      0.01,
      /*allocates=*/true};
}

RouteJob norms() {
  return {
      "Norms",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(25);
        const torch::nn::Sequential inner(Linear(12, 12), torch::nn::Tanh());
        const torch::nn::Sequential trunk(
            Linear(5, 12),
            torch::nn::LayerNorm(torch::nn::LayerNormOptions({12})),
            torch::nn::SiLU(),
            Residual(inner),
            torch::nn::Dropout(0.2),
            torch::nn::BatchNorm1d(12),
            torch::nn::Softplus());
        return behind(trunk, 12);
      },
      plain_batch(5),
      0.1,
      /*allocates=*/true};
}

RouteJob embedding() {
  return {
      "Embedding",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(26);
        const torch::nn::Sequential trunk(
            torch::nn::Embedding(9, 4),
            torch::nn::Flatten(),
            Linear(12, 8),
            torch::nn::Tanh());
        return behind(trunk, 8);
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(27);
        const auto ids = torch::randint(9, {kRows, 3}, torch::kLong);
        return Batch(ids, three_targets(dtype));
      },
      0.1,
      /*allocates=*/true};
}

template <typename Activation>
void add_deep_heads(MultiTaskModel& model, int64_t features) {
  model->add_task("a", LinearTask(features, 1));
  const torch::nn::Sequential deep(
      Linear(features, 6), Activation(), Linear(6, 1));
  model->add_task("b", Task(deep, MSELoss()).weight(0.3));
  const torch::nn::Sequential deeper(
      Linear(features, 5), torch::nn::SiLU(), Linear(5, 4), Linear(4, 1));
  model->add_task("c", Task(deeper, HuberLoss(0.7)));
}

RouteJob deep_heads() {
  return {
      "DeepHeads",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(28);
        const torch::nn::Sequential trunk(
            Linear(5, 16), torch::nn::Tanh(), Linear(16, 9));
        MultiTaskModel model{HardSharing(trunk)};
        add_deep_heads<torch::nn::Tanh>(model, 9);
        return model;
      },
      plain_batch(5),
      0.1};
}

RouteJob deep_heads_without_a_trunk() {
  return {
      "DeepHeadsWithoutATrunk",
      Route::kTrunkProgram,
      [] {
        torch::manual_seed(29);
        MultiTaskModel model;
        add_deep_heads<torch::nn::Sigmoid>(model, 5);
        return model;
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(30);
        return Batch::per_task(
            {{"a", noise({30, 5}, dtype), noise({30, 1}, dtype)},
             {"b", noise({41, 5}, dtype), noise({41, 1}, dtype)},
             {"c", noise({9, 5}, dtype), with_gaps(noise({9, 1}, dtype), 4)}});
      },
      0.1};
}

RouteJob deep_heads_behind_an_own_trunk() {
  return {
      "DeepHeadsBehindAnOwnTrunk",
      Route::kStackedHeads,
      [] {
        torch::manual_seed(31);
        MultiTaskModel model{HardSharing(TanhTrunk(5, 8))};
        add_deep_heads<torch::nn::Tanh>(model, 8);
        return model;
      },
      plain_batch(5),
      0.1,
      /*allocates=*/true};
}

RouteJob linear_heads_behind_experts() {
  return {
      "LinearHeadsBehindExperts",
      Route::kStackedHeads,
      [] {
        torch::manual_seed(33);
        MultiTaskModel model = behind_experts(/*gates=*/3, /*tasks=*/3);
        model->add_task("a", LinearTask(8, 1));
        model->add_task("b", Task(Linear(8, 1), MSELoss()).weight(0.3));
        model->add_task("c", Task(Linear(8, 2), HuberLoss(0.7)));
        return model;
      },
      [](torch::Dtype dtype) {
        torch::manual_seed(34);
        const auto x = noise({kRows, 5}, dtype);
        return Batch(
            x,
            {{"a", with_gaps(noise({kRows, 1}, dtype), 3)},
             {"b", noise({kRows, 1}, dtype)},
             {"c", with_gaps(noise({kRows, 2}, dtype), 5)}});
      },
      0.1,
      /*allocates=*/true};
}

// Tasks from the last gate on share features.
RouteJob deep_heads_behind_experts(int64_t gates) {
  return {
      "DeepHeadsBehindExperts",
      Route::kStackedHeads,
      [gates] {
        torch::manual_seed(35);
        MultiTaskModel model = behind_experts(gates, /*tasks=*/3);
        add_deep_heads<torch::nn::Tanh>(model, 8);
        return model;
      },
      plain_batch(5),
      0.1,
      /*allocates=*/true};
}

RouteJob own_rows_behind_experts() {
  RouteJob job = deep_heads_behind_experts(3);
  job.name = "OwnRowsBehindExperts";
  job.batch = deep_heads_without_a_trunk().batch;
  return job;
}

RouteJob own_rows_behind_an_own_trunk() {
  RouteJob job = own_trunk();
  job.name = "OwnRowsBehindAnOwnTrunk";
  job.batch = deep_heads_without_a_trunk().batch;
  return job;
}

RouteJob other_heads() {
  return {
      "OtherHeads",
      Route::kLayers,
      [] {
        torch::manual_seed(32);
        const torch::nn::Sequential trunk(
            Linear(5, 16), torch::nn::Tanh(), Linear(16, 9));
        MultiTaskModel model{HardSharing(trunk)};
        add_deep_heads<torch::nn::Softsign>(model, 9);
        return model;
      },
      plain_batch(5),
      0.1,
      /*allocates=*/true};
}

torch::Tensor some_weights() {
  torch::Tensor weights = torch::rand({kRows}, torch::kDouble);
  weights.narrow(0, 20, 9).zero_();
  return weights;
}

RouteJob weighted_rows() {
  RouteJob job = many_losses();
  const auto plain = job.batch;
  job.name = "WeightedRows";
  job.allocates = true;
  job.batch = [plain](torch::Dtype dtype) {
    return plain(dtype).with_weights(
        {{"l1", some_weights()},
         {"huber", some_weights()},
         {"class", some_weights().to(torch::kFloat)}});
  };
  return job;
}

RouteJob weighted_rows_behind_layers() {
  RouteJob job = layers();
  const auto plain = job.batch;
  job.name = "WeightedRowsBehindLayers";
  job.allocates = true;
  job.batch = [plain](torch::Dtype dtype) {
    return plain(dtype).with_weights(
        {{"b", some_weights()}, {"c", some_weights()}});
  };
  return job;
}

RouteJob narrow(int64_t width) {
  return {
      "Width" + std::to_string(width),
      Route::kLinearProgram,
      linear_model(width),
      plain_batch(width)};
}

} // namespace

std::vector<RouteJob> route_jobs() {
  return {
      original_job(),
      narrow(1),
      narrow(16),
      narrow(17),
      missing_labels(),
      task_without_labels(),
      several_outputs(),
      many_losses(),
      binary_losses(),
      rows_of_their_own(),
      layers(),
      other_layers(),
      own_trunk(),
      convolutions(),
      norms(),
      embedding(),
      deep_heads(),
      deep_heads_without_a_trunk(),
      deep_heads_behind_an_own_trunk(),
      linear_heads_behind_experts(),
      deep_heads_behind_experts(2),
      own_rows_behind_experts(),
      own_rows_behind_an_own_trunk(),
      other_heads(),
      weighted_rows(),
      weighted_rows_behind_layers()};
}

double route_tolerance(torch::Dtype dtype) {
  return dtype == torch::kDouble ? 1e-10 : 1e-5;
}

double largest_distance(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double largest = a.size() == b.size() ? 0 : kInfinity;
  for (size_t i = 0; i < a.size() && std::isfinite(largest); ++i) {
    if (a[i].sizes() != b[i].sizes()) {
      return kInfinity;
    }
    if (b[i].numel() > 0) {
      const double own = (a[i] - b[i]).abs().max().item<double>() /
          std::max(1.0, b[i].abs().max().item<double>());
      largest = own <= largest ? largest : own; // NaN stays
    }
  }
  return largest;
}

double relative_distance(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  double largest = 0;
  double distance = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto left = a[i].detach().to(torch::kDouble);
    const auto right = b[i].detach().to(torch::kDouble);
    largest = std::max(largest, right.abs().max().item<double>());
    distance = std::max(distance, (left - right).abs().max().item<double>());
  }
  return distance / largest;
}

} // namespace polytask::testing
