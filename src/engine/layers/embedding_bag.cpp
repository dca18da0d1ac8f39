// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/_embedding_bag.h>
#include <ATen/ops/_embedding_bag_backward.h>
#include <torch/nn/modules/embedding.h>

#include <tuple>
#include <variant>

#include "table.h"

namespace polytask::detail {

namespace {

/// Sums, means or maxima of a table's rows, of bags [B, L] of indices.
class KnownEmbeddingBag : public KnownTable<torch::nn::EmbeddingBagImpl> {
 public:
  using KnownTable::KnownTable;

  static bool is_plain(const torch::nn::EmbeddingBagImpl& module) {
    return is_plain_table(module) && !module.options.include_last_offset();
  }

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    if (!is_plain(*module_)) {
      return {"an EmbeddingBag is sparse, renormalizes or counts its indices"};
    }
    return table_obstacle(type, device);
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    return run_on(input, *module_, [&] {
      TORCH_CHECK(input.dim() == 2, "expected bags [B, L] of indices");
      indices_ = input.reshape(-1);
      offsets_ =
          torch::arange(0, input.numel(), input.size(1), indices_.options());
      torch::Tensor output;
      std::tie(output, bags_, sizes_, maxima_) = at::_embedding_bag(
          module_->weight,
          indices_,
          offsets_,
          /*scale_grad_by_freq=*/false,
          mode(),
          /*sparse=*/false,
          /*per_sample_weights=*/{},
          /*include_last_offset=*/false,
          padding());
      return output;
    });
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const torch::Tensor slopes = by_task(cotangents, rows.size(0));
    for (int64_t task = 0; task < rows.size(0); ++task) {
      rows.select(0, task).copy_(
          differentiate(
              slopes.select(0, task), indices_, maxima_, shape_[0], padding())
              .flatten());
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
    const auto is_padding = occurring.eq(padding());
    const int64_t padding_place = is_padding.any().item<bool>()
        ? is_padding.to(torch::kLong).argmax().item<int64_t>()
        : -1;
    // Below zero, on a device, where a bag is empty.
    const torch::Tensor maxima = maxima_.numel() == 0
        ? maxima_
        : torch::searchsorted(occurring, maxima_)
              .masked_fill_(maxima_.lt(0), -1);
    const torch::Tensor slopes = by_task(cotangents, tasks);
    std::vector<torch::Tensor> rows;
    for (int64_t task = 0; task < tasks; ++task) {
      rows.push_back(differentiate(
                         slopes.select(0, task),
                         places,
                         maxima,
                         occurring.size(0),
                         padding_place)
                         .flatten());
    }
    sum.add_rows(torch::stack(rows));
  }

 private:
  int64_t mode() const {
    const auto& given = module_->options.mode();
    if (std::holds_alternative<torch::enumtype::kMax>(given)) {
      return 2;
    }
    return std::holds_alternative<torch::enumtype::kMean>(given) ? 1 : 0;
  }

  // [count, d]
  torch::Tensor differentiate(
      const torch::Tensor& cotangents,
      const torch::Tensor& indices,
      const torch::Tensor& maxima,
      int64_t count,
      int64_t padding) const {
    return at::_embedding_bag_backward(
        cotangents,
        indices,
        offsets_.to(indices.scalar_type()),
        bags_.to(indices.scalar_type()),
        sizes_.to(indices.scalar_type()),
        maxima.to(indices.scalar_type()),
        count,
        /*scale_grad_by_freq=*/false,
        mode(),
        /*sparse=*/false,
        /*per_sample_weights=*/{},
        padding);
  }

  torch::Tensor offsets_; // [B]
  // What LibTorch hands from its forward to its backward.
  torch::Tensor bags_;
  torch::Tensor sizes_;
  torch::Tensor maxima_;
};

} // namespace

std::unique_ptr<KnownLayer> make_embedding_bag(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto bag = exactly<torch::nn::EmbeddingBagImpl>(module);
  const bool is_known = bag && KnownEmbeddingBag::is_plain(*bag);
  return is_known ? std::make_unique<KnownEmbeddingBag>(std::move(bag))
                  : nullptr;
}

} // namespace polytask::detail
