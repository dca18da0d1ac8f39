// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "layer_kinds.h"

#include <torch/torch.h>

#include <polytask/sharing/residual.h>

namespace polytask::testing {

namespace {

constexpr int64_t kTableRows = 7; // of embeddings

LayerKind alone(LayerKind kind) {
  kind.stands = LayerKind::Stands::kAlone;
  return kind;
}

LayerKind on_indices(LayerKind kind) {
  kind.stands = LayerKind::Stands::kOnIndices;
  return kind;
}

LayerKind on_several_rows(LayerKind kind) {
  kind.takes_one_row = false;
  return kind;
}

LayerKind in_evaluation(LayerKind kind, const torch::Tensor& seen) {
  kind.layers->forward(seen);
  kind.is_in_evaluation = true;
  return kind;
}

} // namespace

torch::Tensor LayerKind::input(int64_t rows, torch::ScalarType type) const {
  auto all = shape;
  all.insert(all.begin(), rows);
  return stands == Stands::kOnIndices
      ? torch::randint(0, kTableRows, all, torch::kLong)
      : torch::randn(all, torch::kDouble).to(type);
}

torch::nn::Sequential LayerKind::trunk() const {
  torch::nn::Sequential trunk;
  if (stands == Stands::kBetweenLinears) {
    trunk->push_back(torch::nn::Linear(shape.back(), shape.back()));
  }
  for (const auto& layer : *layers) {
    auto copy = layer.clone();
    copy.ptr()->train(!is_in_evaluation);
    trunk->push_back(std::move(copy));
  }
  if (stands != Stands::kAlone) {
    torch::NoGradGuard no_grad;
    trunk->push_back(torch::nn::Flatten());
    const auto twin =
        std::dynamic_pointer_cast<torch::nn::SequentialImpl>(trunk->clone());
    const auto features = twin->forward(input(3, torch::kFloat));
    trunk->push_back(torch::nn::Linear(features.size(1), 8));
  }
  return trunk;
}

std::vector<LayerKind> layer_kinds() {
  using namespace torch::nn;
  const auto kind = [](auto... given) { return LayerKind::of(given...); };
  using Shape = std::vector<int64_t>;
  return {
      kind("relu", Shape{6}, ReLU()),
      kind("tanh", Shape{6}, Tanh()),
      kind("sigmoid", Shape{6}, Sigmoid()),
      kind("silu", Shape{6}, SiLU()),
      kind("gelu", Shape{6}, GELU()),
      kind(
          "leaky_relu",
          Shape{6},
          LeakyReLU(LeakyReLUOptions().negative_slope(0.2))),
      kind("elu", Shape{6}, ELU(ELUOptions().alpha(0.7))),
      kind(
          "softplus",
          Shape{6},
          Softplus(SoftplusOptions().beta(2).threshold(1))),
      kind(
          "hardtanh",
          Shape{6},
          Hardtanh(HardtanhOptions().min_val(-0.2).max_val(0.3))),
      kind("relu6", Shape{6}, ReLU6()),
      kind("selu", Shape{6}, SELU()),
      kind("mish", Shape{6}, Mish()),
      kind("log_sigmoid", Shape{6}, LogSigmoid()),
      kind("identity", Shape{6}, Identity()),
      kind("layer_norm", Shape{3, 4}, LayerNorm(LayerNormOptions({3, 4}))),
      kind(
          "group_norm",
          Shape{4, 3, 2},
          Conv2d(4, 6, 2),
          GroupNorm(GroupNormOptions(3, 6)),
          ReLU()),
      kind("group_norm_of_rows", Shape{6}, GroupNorm(GroupNormOptions(2, 6))),
      kind(
          "group_norm_without_affine",
          Shape{4, 3},
          GroupNorm(GroupNormOptions(1, 4).affine(false).eps(0.1))),
      kind(
          "group_norm_of_other_channels",
          Shape{8},
          GroupNorm(GroupNormOptions(2, 4).affine(false))),
      kind(
          "flatten_some",
          Shape{2, 3, 4},
          Flatten(FlattenOptions().start_dim(2).end_dim(3)),
          Linear(12, 3)),
      kind(
          "unflatten",
          Shape{12},
          Unflatten(UnflattenOptions(1, {3, 4})),
          Linear(4, 2)),
      kind(
          "conv_1d",
          Shape{2, 9},
          Conv1d(Conv1dOptions(2, 4, 3).stride(2).padding(1).bias(false)),
          ReLU(),
          Conv1d(4, 3, 2)),
      kind(
          "conv_1d_of_groups",
          Shape{4, 9},
          Conv1d(Conv1dOptions(4, 6, 3).groups(2).dilation(2))),
      kind(
          "conv_1d_same",
          Shape{2, 8},
          Conv1d(Conv1dOptions(2, 3, 4).dilation(3).padding(torch::kSame))),
      kind(
          "conv_2d",
          Shape{2, 6, 5},
          Conv2d(Conv2dOptions(2, 4, {3, 2}).stride({2, 1}).padding({1, 0})),
          Tanh(),
          Conv2d(4, 2, 2)),
      kind(
          "conv_2d_same",
          Shape{2, 5, 6},
          Conv2d(Conv2dOptions(2, 3, {2, 3}).padding(torch::kSame)),
          Conv2d(Conv2dOptions(3, 2, {3, 4}).padding(torch::kSame))),
      kind(
          "conv_2d_valid",
          Shape{2, 5, 6},
          Conv2d(Conv2dOptions(2, 3, 2).padding(torch::kValid))),
      on_several_rows(kind("batch_norm_1d", Shape{6}, BatchNorm1d(6), ReLU())),
      kind(
          "batch_norm_1d_of_sequences",
          Shape{3, 5},
          BatchNorm1d(BatchNorm1dOptions(3).momentum(std::nullopt))),
      on_several_rows(kind(
          "batch_norm_1d_without_tracking",
          Shape{6},
          BatchNorm1d(
              BatchNorm1dOptions(6).track_running_stats(false).eps(0.1)))),
      on_several_rows(kind(
          "batch_norm_1d_without_affine",
          Shape{6},
          BatchNorm1d(BatchNorm1dOptions(6).affine(false)))),
      kind(
          "batch_norm_2d",
          Shape{2, 4, 3},
          Conv2d(2, 3, 2),
          BatchNorm2d(BatchNorm2dOptions(3).momentum(0.3)),
          ReLU()),
      in_evaluation(
          kind(
              "batch_norm_2d_in_evaluation",
              Shape{2, 4, 3},
              BatchNorm2d(2),
              Tanh()),
          torch::randn({9, 2, 4, 3}) * 3 + 1),
      kind(
          "max_pool_1d",
          Shape{2, 9},
          MaxPool1d(
              MaxPool1dOptions(3).stride(2).padding(1).dilation(2).ceil_mode(
                  true))),
      kind(
          "max_pool_2d",
          Shape{2, 7, 6},
          MaxPool2d(MaxPool2dOptions({3, 2})
                        .stride(1)
                        .padding(1)
                        .dilation({1, 2})
                        .ceil_mode(true))),
      kind(
          "max_pool_2d_of_ties",
          Shape{2, 7, 6},
          ReLU(),
          MaxPool2d(MaxPool2dOptions(3).stride(2).ceil_mode(true))),
      kind(
          "avg_pool_1d",
          Shape{2, 9},
          AvgPool1d(AvgPool1dOptions(3)
                        .stride(2)
                        .padding(1)
                        .ceil_mode(true)
                        .count_include_pad(false))),
      kind(
          "avg_pool_2d",
          Shape{2, 7, 6},
          AvgPool2d(AvgPool2dOptions({3, 2}).stride(2).padding(1))),
      kind(
          "avg_pool_2d_by_seven",
          Shape{2, 7, 6},
          AvgPool2d(AvgPool2dOptions(3).divisor_override(7))),
      kind("adaptive_avg_pool_1d", Shape{2, 7}, AdaptiveAvgPool1d(3)),
      kind(
          "adaptive_avg_pool_2d",
          Shape{3, 5, 7},
          AdaptiveAvgPool2d(AdaptiveAvgPool2dOptions({3, std::nullopt}))),
      kind("adaptive_avg_pool_2d_to_one", Shape{3, 5, 4}, AdaptiveAvgPool2d(1)),
      kind("adaptive_max_pool_1d", Shape{2, 7}, AdaptiveMaxPool1d(3)),
      kind(
          "adaptive_max_pool_2d",
          Shape{3, 5, 7},
          AdaptiveMaxPool2d(AdaptiveMaxPool2dOptions({3, 2}))),
      kind(
          "dropout",
          Shape{6},
          Dropout(0.4),
          Tanh(),
          Linear(6, 5),
          Dropout(0.2)),
      kind(
          "dropout_in_place",
          Shape{6},
          Tanh(),
          Linear(6, 5),
          Dropout(DropoutOptions(0.4).inplace(true))),
      kind("dropout_of_all", Shape{6}, Linear(6, 5), Dropout(1.0)),
      kind("dropout_of_none", Shape{6}, Dropout(0.0), Linear(6, 5)),
      kind("dropout_2d", Shape{4, 3, 2}, Dropout2d(0.4), Conv2d(4, 2, 2)),
      kind(
          "alpha_dropout",
          Shape{6},
          SELU(),
          AlphaDropout(0.3),
          Linear(6, 5),
          FeatureAlphaDropout(0.3)),
      kind("alpha_dropout_of_all", Shape{6}, AlphaDropout(1.0), Linear(6, 5)),
      on_indices(kind(
          "embedding",
          Shape{4},
          Embedding(EmbeddingOptions(kTableRows, 5).padding_idx(-2)),
          Linear(5, 3))),
      on_indices(kind(
          "embedding_bag_of_sums",
          Shape{4},
          EmbeddingBag(EmbeddingBagOptions(kTableRows, 5).mode(torch::kSum)),
          Linear(5, 3))),
      on_indices(kind(
          "embedding_bag_of_means",
          Shape{3},
          EmbeddingBag(EmbeddingBagOptions(kTableRows, 5)
                           .mode(torch::kMean)
                           .padding_idx(2)))),
      on_indices(kind(
          "embedding_bag_of_maxima",
          Shape{2},
          EmbeddingBag(EmbeddingBagOptions(kTableRows, 5)
                           .mode(torch::kMax)
                           .padding_idx(2)))),
      kind(
          "residual",
          Shape{6},
          Residual(Sequential(ReLU(), Linear(6, 6), Tanh())),
          Tanh()),
      kind(
          "residual_in_place",
          Shape{6},
          Tanh(),
          Residual(Sequential(ReLU(ReLUOptions(true)), Linear(6, 6)))),
      alone(kind(
          "residual_on_top",
          Shape{5},
          Linear(5, 8),
          Residual(Sequential(Linear(8, 8), Tanh())),
          Residual(Tanh()))),
      alone(kind(
          "residual_first",
          Shape{8},
          Residual(Sequential(Linear(8, 8), Sigmoid())),
          Tanh())),
      kind(
          "residual_in_residual",
          Shape{3, 4},
          Residual(Sequential(
              Conv1d(Conv1dOptions(3, 3, 3).padding(1)),
              BatchNorm1d(3),
              Residual(Sequential(Tanh(), Dropout(0.3), Linear(4, 4))),
              ReLU()))),
      kind(
          "residual_without_parameters",
          Shape{6},
          Residual(Tanh()),
          Linear(6, 5),
          Residual(Sequential(Residual(ReLU())))),
  };
}

} // namespace polytask::testing
