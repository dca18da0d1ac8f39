// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/nn/modules/embedding.h>

#include <typeinfo>

#include "../program/parameter_obstacle.h"
#include "known_layer.h"

namespace polytask::detail {

namespace {

/// Rows of a table by index; the first layer, for an index has no gradient.
class KnownEmbedding : public KnownLayer {
 public:
  explicit KnownEmbedding(std::shared_ptr<torch::nn::EmbeddingImpl> module)
      : module_(std::move(module)), shape_(module_->weight.sizes().vec()) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    return parameter_obstacle(module_->weight, shape_, type, device);
  }

  std::vector<torch::Tensor> parameters() const override {
    if (!module_->weight.requires_grad()) {
      return {};
    }
    return {module_->weight};
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    indices_ = input.reshape(-1);
    return torch::embedding(module_->weight, input, padding());
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const torch::Tensor slopes = by_task(cotangents, rows.size(0));
    for (int64_t task = 0; task < rows.size(0); ++task) {
      rows.select(0, task).view(shape_).zero_().index_add_(
          0, indices_, slopes.select(0, task));
    }
    if (padding() >= 0) {
      rows.unflatten(1, shape_).select(1, padding()).zero_();
    }
  }

  // Only rows of the table that occur have a gradient.
  void add_to_gramian(
      const torch::Tensor& cotangents,
      int64_t tasks,
      GramianSum& sum) override {
    if (parameters().empty()) {
      return;
    }
    const auto [occurring, places, counts] =
        torch::unique_dim(indices_, 0, true, /*return_inverse=*/true);
    torch::Tensor rows = torch::zeros(
        {tasks, occurring.size(0), shape_[1]}, cotangents.options());
    rows.index_add_(1, places, by_task(cotangents, tasks));
    if (padding() >= 0) {
      rows.masked_fill_(occurring.eq(padding()).view({1, -1, 1}), 0);
    }
    sum.add_rows(rows.flatten(1));
  }

  torch::Tensor backward(const torch::Tensor& cotangents, int64_t) override {
    return cotangents;
  }

 private:
  // -1 where there is none.
  int64_t padding() const {
    return module_->options.padding_idx().value_or(-1);
  }
  // [n, indices, d]
  torch::Tensor by_task(const torch::Tensor& cotangents, int64_t tasks) const {
    return cotangents.reshape({tasks, -1, shape_[1]});
  }

  std::shared_ptr<torch::nn::EmbeddingImpl> module_;
  std::vector<int64_t> shape_;
  torch::Tensor indices_;
};

} // namespace

std::unique_ptr<KnownLayer> make_embedding(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& given = *module;
  if (typeid(given) != typeid(torch::nn::EmbeddingImpl)) {
    return nullptr;
  }
  auto embedding = std::static_pointer_cast<torch::nn::EmbeddingImpl>(module);
  const auto& options = embedding->options;
  if (options.max_norm() || options.scale_grad_by_freq() || options.sparse()) {
    return nullptr;
  }
  return std::make_unique<KnownEmbedding>(std::move(embedding));
}

} // namespace polytask::detail
