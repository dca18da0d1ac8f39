// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sharings.h"

#include <polytask/sharing/aitm.h>
#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/deep_bayesian_mtl.h>
#include <polytask/sharing/epnet.h>
#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/experts/stem.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/learning_to_branch.h>
#include <polytask/sharing/mtan.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/sharing/ppnet.h>
#include <polytask/sharing/preceded.h>
#include <polytask/sharing/soft_sharing.h>
#include <polytask/sharing/task_lora.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <limits>

namespace polytask::testing {

namespace {

using torch::nn::Linear;
using torch::nn::Sequential;

constexpr int64_t kRowWidth = 5;
constexpr int64_t kPriorWidth = 2;

// [B, inputs] -> [B, outputs]; draws in training.
NetworkFactory drawing_layers(int64_t inputs, int64_t outputs) {
  return [=] {
    return Sequential(
        Linear(inputs, outputs), torch::nn::Tanh(), torch::nn::Dropout(0.2));
  };
}

// Has running statistics besides.
NetworkFactory drawing_trunk(int64_t inputs, int64_t outputs) {
  return [=] {
    return Sequential(
        Linear(inputs, 4),
        torch::nn::BatchNorm1d(4),
        torch::nn::Tanh(),
        torch::nn::Dropout(0.2),
        Linear(4, outputs));
  };
}

StageFactories drawing_stages() {
  return {drawing_layers(kRowWidth, 4), drawing_layers(4, 3)};
}

ExpertLevelOptions first_level() {
  return {kRowWidth, drawing_layers(kRowWidth, 4)};
}

ExpertLevelOptions second_level() {
  return {4, drawing_layers(4, 3)};
}

// Of the class's name, but for the prefixes of experts.
template <typename Make>
SharingKind kind_of(const std::string& name, Make make) {
  return {.name = name, .in_errors = name, .make = [make] {
            return std::shared_ptr<Sharing>(make().ptr());
          }};
}

SharingKind renamed_kind(SharingKind kind, const std::string& name) {
  kind.name = name;
  return kind;
}

SharingKind with_prior(SharingKind kind) {
  kind.takes_prior = true;
  return kind;
}

std::vector<SharingKind> plain_kinds() {
  SharingKind none = kind_of("NoSharing", [] { return NoSharing(); });
  none.width = kRowWidth;
  return {
      kind_of(
          "HardSharing",
          [] { return HardSharing(drawing_trunk(kRowWidth, 3)()); }),
      none,
      kind_of(
          "SoftSharing",
          [] { return SoftSharing(drawing_trunk(kRowWidth, 3)); }),
      kind_of("CrossStitch", [] { return CrossStitch(drawing_stages()); }),
      kind_of(
          "MTAN",
          [] {
            return MTAN(
                std::vector<MTANStage>{
                    {drawing_layers(kRowWidth, 4)(),
                     drawing_layers(4, 6)(),
                     4,
                     6},
                    {drawing_layers(6, 5)(), drawing_layers(5, 3)(), 5, 3}},
                MTANOptions().features(MTANFeatures::kDense));
          }),
      // Its warm-up is the first epoch.
      kind_of(
          "LearningToBranch",
          [] {
            return LearningToBranch(
                drawing_stages(), LearningToBranchOptions(20).seed(3));
          }),
      kind_of(
          "TaskLoRA",
          [] {
            return TaskLoRA(
                Sequential(
                    Linear(kRowWidth, 4),
                    torch::nn::BatchNorm1d(4),
                    torch::nn::Tanh(),
                    torch::nn::Dropout(0.2),
                    Linear(4, 3)),
                TaskLoRAOptions(2).trainable_scales(true));
          }),
      kind_of(
          "AITM",
          [] { return AITM(drawing_trunk(kRowWidth, 3), AITMOptions(3)); }),
      kind_of(
          "DeepBayesianMTL",
          [] {
            return DeepBayesianMTL(
                HardSharing(drawing_trunk(kRowWidth, 4)()),
                DeepBayesianMTLOptions(4)
                    .tower_widths({4})
                    .relation_widths({3})
                    .relations({{"ß", {"a b", "class"}}})
                    .relates_all(true));
          }),
      kind_of(
          "Preceded",
          [] {
            return Preceded(
                drawing_trunk(kRowWidth, 5)(), CrossStitch(drawing_stages()));
          }),
  };
}

SharingKind balanced_mmoe() {
  return renamed_kind(
      kind_of(
          "MMoE",
          [] {
            return MMoE(MMoEOptions(kRowWidth, drawing_layers(kRowWidth, 3))
                            .experts(3)
                            .gate_hidden({4})
                            .balance_weight(0.3));
          }),
      "BalancedMMoE");
}

// Three experts: more than codes of one digit, fewer than of two.
SharingKind three_of_dselect_k() {
  return kind_of("DSelectK", [] {
    return DSelectK(DSelectKOptions(kRowWidth, drawing_layers(kRowWidth, 3))
                        .experts(3)
                        .entropy_weight(0.01));
  });
}

std::vector<SharingKind> expert_kinds() {
  return {
      kind_of(
          "MMoE",
          [] {
            return MMoE(MMoEOptions(kRowWidth, drawing_layers(kRowWidth, 3))
                            .experts(3)
                            .gates_are_shared(false));
          }),
      balanced_mmoe(),
      kind_of(
          "CGC",
          [] {
            return CGC(CGCOptions(ExpertLevelOptions(
                                      kRowWidth, drawing_trunk(kRowWidth, 3))
                                      .task_experts_of({{"class", 2}}))
                           .own_parts_are_shared(false));
          }),
      kind_of(
          "PLE",
          [] { return PLE(PLEOptions({first_level(), second_level()})); }),
      kind_of(
          "STEM",
          [] {
            return STEM(STEMOptions({first_level(), second_level()})
                            .embedding(drawing_layers(kRowWidth, kRowWidth)));
          }),
      three_of_dselect_k(),
      kind_of(
          "AdaTT",
          [] {
            return AdaTT(
                AdaTTOptions({first_level(), second_level().task_experts(2)}));
          }),
  };
}

std::vector<SharingKind> prior_kinds() {
  auto epnet = with_prior(kind_of("HardSharing", [] {
    return HardSharing(Sequential(
        EPNet(EPNetOptions(kRowWidth, kPriorWidth)),
        Linear(kRowWidth, 3),
        torch::nn::Dropout(0.2)));
  }));
  auto pepnet = with_prior(kind_of("Preceded", [] {
    return Preceded(
        EPNet(EPNetOptions(kRowWidth, kPriorWidth)),
        PPNet(PPNetOptions(kRowWidth, kPriorWidth, {4, 3})),
        PrecededOptions().replaces("input"));
  }));
  return {
      renamed_kind(epnet, "EPNet"),
      with_prior(kind_of(
          "PPNet",
          [] { return PPNet(PPNetOptions(kRowWidth, kPriorWidth, {4, 3})); })),
      renamed_kind(pepnet, "PEPNet"),
  };
}

} // namespace

std::vector<SharingKind> every_sharing() {
  auto all = plain_kinds();
  for (const auto& kinds : {expert_kinds(), prior_kinds()}) {
    all.insert(all.end(), kinds.begin(), kinds.end());
  }
  return all;
}

std::vector<SharingKind> sharings_with_own_loss() {
  return {
      kind_of(
          "SoftSharing",
          [] {
            return SoftSharing(
                drawing_trunk(kRowWidth, 3), SoftSharingOptions().weight(0.1));
          }),
      balanced_mmoe(),
      three_of_dselect_k(),
  };
}

MultiTaskModel model_of(const SharingKind& kind) {
  MultiTaskModel model(kind.make());
  for (const char* task : {"a b", "class", "ß"}) {
    model->add_task(task, Task(Linear(kind.width, 1), MSELoss()));
  }
  return model;
}

data::Dataset rows_for(
    const SharingKind& kind, int64_t count, torch::Dtype dtype) {
  const auto x = torch::randn({count, kRowWidth}, dtype);
  const Inputs inputs = kind.takes_prior
      ? Inputs{{"input", x}, {"prior", torch::randn({count, kPriorWidth}, dtype)}}
      : Inputs(x);
  auto holes = x.narrow(1, 1, 1).sin();
  for (int64_t row = 2; row < count; row += 5) {
    holes[row] = std::numeric_limits<double>::quiet_NaN();
  }
  return {
      inputs,
      {{"a b", x.sum(1, true).tanh()},
       {"class", holes},
       {"ß", x.narrow(1, 0, 1) * x.narrow(1, 2, 1)}}};
}

std::vector<torch::Tensor> state_of(const torch::nn::Module& module) {
  std::vector<torch::Tensor> all;
  for (const auto& tensors : {module.parameters(), module.buffers()}) {
    for (const auto& tensor : tensors) {
      all.push_back(tensor.detach().clone());
    }
  }
  return all;
}

void expect_same_state(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].scalar_type(), b[i].scalar_type()) << i;
    EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
  }
}

} // namespace polytask::testing
