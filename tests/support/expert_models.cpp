// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/expert_models.h"

#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/experts/stem.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <limits>
#include <utility>

#include "tests/support/architecture.h"

namespace polytask::testing {

namespace {

constexpr int64_t kExpertInputs = 6;

NetworkFactory deep_expert(int64_t inputs) {
  return [inputs] { return rectified_layers(inputs, {7, 8}); };
}

// Ends without a ReLU, and does not begin with a Linear's whole width.
NetworkFactory smooth_expert(int64_t inputs, int64_t outputs) {
  return [inputs, outputs] {
    return torch::nn::Sequential(
        torch::nn::Linear(
            torch::nn::LinearOptions(inputs, outputs).bias(false)),
        torch::nn::Tanh());
  };
}

std::shared_ptr<Sharing> expert_sharing(const std::string& kind) {
  using Level = ExpertLevelOptions;
  const Level first(kExpertInputs, smooth_expert(kExpertInputs, 5));
  const Level second(5, deep_expert(5));
  if (kind == "mmoe") {
    return MMoE(MMoEOptions(kExpertInputs, deep_expert(kExpertInputs))
                    .experts(3))
        .ptr();
  }
  if (kind == "mmoe_own_gates") {
    return MMoE(MMoEOptions(kExpertInputs, deep_expert(kExpertInputs))
                    .experts(3)
                    .gate_bias(false)
                    .gates_are_shared(false))
        .ptr();
  }
  if (kind == "mmoe_deep_gates") {
    return MMoE(MMoEOptions(kExpertInputs, deep_expert(kExpertInputs))
                    .experts(3)
                    .gate_hidden({4, 5}))
        .ptr();
  }
  if (kind == "ple_deep_gates") {
    return PLE(PLEOptions(
                   {Level(first).gate_hidden({4}),
                    Level(second).gate_hidden({3})}))
        .ptr();
  }
  if (kind == "mmoe_balanced") {
    return MMoE(MMoEOptions(kExpertInputs, deep_expert(kExpertInputs))
                    .gate_hidden({4})
                    .balance_weight(0.3))
        .ptr();
  }
  if (kind == "cgc") {
    return CGC(Level(kExpertInputs, deep_expert(kExpertInputs))
                   .shared_experts(2)
                   .task_experts_of({{"b c", 2}}))
        .ptr();
  }
  if (kind == "cgc_own_parts") {
    return CGC(CGCOptions(Level(kExpertInputs, deep_expert(kExpertInputs)))
                   .own_parts_are_shared(false))
        .ptr();
  }
  if (kind == "ple") {
    return PLE(PLEOptions({first, second})).ptr();
  }
  if (kind == "ple_without_path") {
    return PLE(PLEOptions({first, second}).shared_path(false)).ptr();
  }
  if (kind == "adatt") {
    return AdaTT(AdaTTOptions({first, second})).ptr();
  }
  if (kind == "adatt_general") {
    return AdaTT(AdaTTOptions(
                     {Level(first).shared_experts(2),
                      Level(second).task_experts(2).shared_experts(1)}))
        .ptr();
  }
  if (kind == "stitches") {
    return CrossStitch(StageFactories{
                           deep_expert(kExpertInputs),
                           smooth_expert(8, 5),
                           [] { return torch::nn::Linear(5, 8); }})
        .ptr();
  }
  if (kind == "stitches_below_the_last") {
    return CrossStitch(
               StageFactories{
                   smooth_expert(kExpertInputs, 5),
                   deep_expert(5),
                   deep_expert(8)},
               CrossStitchOptions().stitch_after_last(false))
        .ptr();
  }
  if (kind == "stem") {
    return STEM(STEMOptions({first, second}).embedding([] {
             return torch::nn::Linear(kExpertInputs, kExpertInputs);
           }))
        .ptr();
  }
  return DSelectK(DSelectKOptions(kExpertInputs, deep_expert(kExpertInputs))
                      .experts(3)
                      .example_conditioned(kind == "dselect"))
      .ptr();
}

torch::Tensor with_holes(const torch::Tensor& target, int64_t from) {
  torch::Tensor holes = target.clone();
  for (int64_t row = from; row < target.size(0); row += 3) {
    holes[row] = std::numeric_limits<double>::quiet_NaN();
  }
  return holes;
}

} // namespace

std::vector<std::string> expert_model_kinds() {
  return {
      "mmoe",
      "mmoe_own_gates",
      "mmoe_deep_gates",
      "cgc",
      "cgc_own_parts",
      "ple",
      "ple_deep_gates",
      "adatt",
      "adatt_general",
      "mmoe_balanced",
      "ple_without_path",
      "stem",
      "dselect",
      "dselect_static"};
}

std::vector<std::string> mixture_kinds() {
  auto kinds = expert_model_kinds();
  kinds.insert(kinds.end(), {"stitches", "stitches_below_the_last"});
  return kinds;
}

std::vector<std::string> known_mixture_kinds() {
  auto kinds = mixture_kinds();
  for (const std::string other : {"ple_without_path", "stem"}) {
    std::erase(kinds, other);
  }
  return kinds;
}

bool has_graph_gates(const std::string& kind) {
  return kind == "mmoe_balanced" || kind == "dselect" ||
      kind == "dselect_static";
}

MultiTaskModel expert_model(const std::string& kind) {
  MultiTaskModel model(expert_sharing(kind));
  model->add_task("a", Task(torch::nn::Linear(8, 1), MSELoss()));
  model->add_task("b c", Task(tower(8, {4}, 2), HuberLoss()));
  model->add_task("class", Task(tower(8, {3}, 1), MSELoss())).weight(0.5);
  return model;
}

std::vector<RowsOf> all_rows_of() {
  return {RowsOf::kAll, RowsOf::kEach, RowsOf::kMissing, RowsOf::kSome};
}

const char* to_string(RowsOf rows) {
  switch (rows) {
    case RowsOf::kAll:
      return "rows of all";
    case RowsOf::kEach:
      return "rows of each";
    case RowsOf::kMissing:
      return "missing labels";
    default:
      return "some tasks";
  }
}

Batch expert_batch(RowsOf rows, torch::Dtype dtype, int64_t seed) {
  torch::manual_seed(static_cast<uint64_t>(seed));
  const auto drawn = [&](int64_t width) {
    return torch::randn({9, width}, dtype);
  };
  const torch::Tensor input = drawn(kExpertInputs);
  const torch::Tensor a = drawn(1);
  const torch::Tensor b = drawn(2);
  const torch::Tensor c = drawn(1);
  switch (rows) {
    case RowsOf::kAll:
      return Batch(input, {{"a", a}, {"b c", b}, {"class", c}});
    case RowsOf::kEach:
      return Batch::per_task(
          {{"a", input, a},
           {"b c", drawn(kExpertInputs), b},
           {"class", input, c}});
    case RowsOf::kMissing:
      return Batch(
          input,
          {{"a", with_holes(a, 0)}, {"b c", b}, {"class", with_holes(c, 1)}});
    default:
      return Batch(input, {{"b c", b}, {"class", c}});
  }
}

} // namespace polytask::testing
