// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/nn/modules/embedding.h>

#include "table.h"

namespace polytask::detail {

namespace {

/// Rows of a table.
class KnownEmbedding : public KnownTable<torch::nn::EmbeddingImpl> {
 public:
  using KnownTable::KnownTable;

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    if (!is_plain_table(*module_)) {
      return {"an Embedding is sparse, renormalizes or counts its indices"};
    }
    return table_obstacle(type, device);
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    indices_ = input.reshape(-1);
    return run_on(input, *module_, [&] { return module_->forward(input); });
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const torch::Tensor slopes = of_indices(cotangents, rows.size(0));
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
    rows.index_add_(1, places, of_indices(cotangents, tasks));
    if (padding() >= 0) {
      rows.masked_fill_(occurring.eq(padding()).view({1, -1, 1}), 0);
    }
    sum.add_rows(rows.flatten(1));
  }

 private:
  // [n, indices, d]
  torch::Tensor of_indices(
      const torch::Tensor& cotangents, int64_t tasks) const {
    return cotangents.reshape({tasks, -1, shape_[1]});
  }
};

} // namespace

std::unique_ptr<KnownLayer> make_embedding(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto embedding = exactly<torch::nn::EmbeddingImpl>(module);
  const bool is_known = embedding && KnownEmbedding::is_plain_table(*embedding);
  return is_known ? std::make_unique<KnownEmbedding>(std::move(embedding))
                  : nullptr;
}

} // namespace polytask::detail
