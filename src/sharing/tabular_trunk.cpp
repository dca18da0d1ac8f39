// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/tabular_trunk.h>

#include <c10/util/Exception.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>

#include "core/check.h"

namespace polytask {

namespace {

constexpr int64_t kWidestEmbedding = 50;

void check_table(const TabularTrunkOptions& options) {
  TORCH_CHECK_VALUE(
      options.numbers() >= 0,
      "TabularTrunk: expected a number of columns, but got ",
      options.numbers(),
      ".");
  TORCH_CHECK_VALUE(
      options.numbers() > 0 || !options.id_sizes().empty() ||
          !options.bags().empty(),
      "TabularTrunk: the table has no column.");
  TORCH_CHECK_VALUE(
      options.embedding_widths().empty() ||
          options.embedding_widths().size() == options.id_sizes().size(),
      "TabularTrunk: expected a width for each of the ",
      options.id_sizes().size(),
      " columns of categories, but got ",
      options.embedding_widths().size(),
      ".");
  for (const int64_t size : options.id_sizes()) {
    TORCH_CHECK_VALUE(
        size > 0,
        "TabularTrunk: expected ids in each column, but one has ",
        size,
        ".");
  }
}

} // namespace

TabularTrunkImpl::TabularTrunkImpl(TabularTrunkOptions trunk_options)
    : options(std::move(trunk_options)) {
  check_table(options);
  reset();
}

int64_t TabularTrunkImpl::embedding_width(size_t column) const {
  return options.embedding_widths().empty()
      ? std::min((options.id_sizes()[column] + 1) / 2, kWidestEmbedding)
      : options.embedding_widths()[column];
}

void TabularTrunkImpl::reset() {
  embeddings_.clear();
  bags_.clear();
  width_ = options.numbers();
  for (size_t i = 0; i < options.id_sizes().size(); ++i) {
    const int64_t width = embedding_width(i);
    embeddings_.push_back(register_module(
        "embedding" + std::to_string(i),
        std::make_shared<torch::nn::EmbeddingImpl>(
            torch::nn::EmbeddingOptions(options.id_sizes()[i], width)
                .padding_idx(0)
                .sparse(options.sparse()))));
    width_ += width;
  }
  for (size_t i = 0; i < options.bags().size(); ++i) {
    const TabularBag& bag = options.bags()[i];
    bags_.push_back(register_module(
        "bag" + std::to_string(i),
        std::make_shared<torch::nn::EmbeddingBagImpl>(
            torch::nn::EmbeddingBagOptions(bag.size, bag.width)
                .mode(torch::kMean)
                .padding_idx(0)
                .sparse(options.sparse()))));
    width_ += bag.width;
  }
  torch::nn::Sequential layers;
  int64_t width = width_;
  for (const int64_t next : options.hidden()) {
    layers->push_back(torch::nn::Linear(width, next));
    layers->push_back(torch::nn::ReLU());
    if (options.dropout() > 0) {
      layers->push_back(torch::nn::Dropout(options.dropout()));
    }
    width = next;
  }
  layers_ = register_module("layers", layers);
}

torch::Tensor TabularTrunkImpl::embedded(
    const torch::Tensor& ids, size_t column) {
  try {
    return std::static_pointer_cast<torch::nn::EmbeddingImpl>(
               embeddings_[column])
        ->forward(ids);
  } catch (const std::exception&) {
    const auto found = (ids < 0).logical_or(ids >= options.id_sizes()[column]);
    TORCH_CHECK_VALUE(
        !found.any().item<bool>(),
        "TabularTrunk: column ",
        column,
        " of '",
        options.ids_input(),
        "' has ids below ",
        options.id_sizes()[column],
        ", but got ",
        ids.masked_select(found)[0].item<int64_t>(),
        ".");
    throw;
  }
}

torch::Tensor TabularTrunkImpl::forward(const Inputs& rows) {
  const auto of = [&](const std::string& name) -> const torch::Tensor& {
    return rows.is_tensor() && !rows.has(name) ? rows.tensor() : rows[name];
  };
  std::vector<torch::Tensor> parts;
  if (options.numbers() > 0) {
    parts.push_back(of(options.numbers_input()));
    TORCH_CHECK_VALUE(
        parts[0].dim() == 2 && parts[0].size(1) == options.numbers(),
        "TabularTrunk: expected '",
        options.numbers_input(),
        "' [B, ",
        options.numbers(),
        "], but got ",
        parts[0].sizes(),
        ".");
  }
  const auto columns = static_cast<int64_t>(embeddings_.size());
  if (columns > 0) {
    const torch::Tensor& ids = of(options.ids_input());
    TORCH_CHECK_VALUE(
        ids.dim() == 2 && ids.size(1) == columns &&
            ids.scalar_type() == torch::kLong,
        "TabularTrunk: expected '",
        options.ids_input(),
        "' of int64 [B, ",
        columns,
        "], but got ",
        ids.scalar_type(),
        ' ',
        ids.sizes(),
        ".");
    for (int64_t i = 0; i < columns; ++i) {
      parts.push_back(embedded(ids.select(1, i), static_cast<size_t>(i)));
    }
  }
  for (size_t i = 0; i < bags_.size(); ++i) {
    try {
      parts.push_back(
          std::static_pointer_cast<torch::nn::EmbeddingBagImpl>(bags_[i])
              ->forward(of(options.bags()[i].input)));
    } catch (const c10::Error&) {
      detail::rethrow_with(
          "TabularTrunk: the categories '" + options.bags()[i].input + "': ");
    }
  }
  const torch::Tensor all = parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
  return options.hidden().empty() ? all : layers_->forward(all);
}

void TabularTrunkImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::TabularTrunk(numbers=" << options.numbers()
         << ", categories=" << options.id_sizes().size()
         << ", out_features=" << out_features() << ')';
}

} // namespace polytask
