// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>

namespace polytask {

/// A column of rows that have several categories each, or none.
struct TabularBag {
  std::string input; // [B, k] of int64: categories, filled up with 0
  int64_t size;      // of categories, 0 included
  int64_t width;     // of its embeddings, of which a row gets the mean
};

struct POLYTASK_API TabularTrunkOptions {
  /// `numbers`: how many columns of them; may be 0. `id_sizes`: of each column
  /// of categories, how many ids there are, 0 for what is not known included,
  /// as `data::Preparation::id_sizes` gives them.
  TabularTrunkOptions(int64_t numbers, std::vector<int64_t> id_sizes)
      : numbers_(numbers), id_sizes_(std::move(id_sizes)) {}

  TORCH_ARG(int64_t, numbers);
  TORCH_ARG(std::vector<int64_t>, id_sizes);
  /// Widths of the embeddings, a number for each column. If it is not said:
  /// half the number of ids, rounded up, and 50 at most.
  TORCH_ARG(std::vector<int64_t>, embedding_widths);
  TORCH_ARG(std::vector<TabularBag>, bags);
  /// Widths of the linear layers with ReLU behind all that; may be empty.
  TORCH_ARG(std::vector<int64_t>, hidden);
  /// Dropout behind each of them.
  TORCH_ARG(double, dropout) = 0;
  /// Whether embeddings have sparse gradients, which plain SGD, Adagrad and
  /// `optim::RowWiseAdagrad` take, this with one number of state for each row;
  /// trainings with others say so.
  TORCH_ARG(bool, sparse) = false;
  TORCH_ARG(std::string, numbers_input) = "numbers";
  TORCH_ARG(std::string, ids_input) = "ids";
};

/// What stands before all else on tables: an embedding for each column of
/// categories, beside the numbers, and layers behind them. A trunk by itself,
/// or before experts (`Preceded`).
///
/// Takes numbers [B, n] and ids [B, c] of int64, under the names that
/// `data::Preparation` gives them; [B, `out_features()`] comes out. Id 0 is
/// what no train row had: its embedding is 0 and learns nothing. Throws, and
/// names the column, on an id that it does not have.
///
/// ```cpp
/// polytask::MultiTaskModel model{polytask::TabularTrunk(
///     polytask::TabularTrunkOptions(preparation.width(),
///     preparation.id_sizes())
///         .hidden({64, 32}))};
/// ```
class POLYTASK_API TabularTrunkImpl
    : public torch::nn::Cloneable<TabularTrunkImpl> {
 public:
  explicit TabularTrunkImpl(TabularTrunkOptions trunk_options);

  void reset() override;
  torch::Tensor forward(const Inputs& rows);
  void pretty_print(std::ostream& stream) const override;

  int64_t out_features() const {
    return options.hidden().empty() ? width_ : options.hidden().back();
  }

  TabularTrunkOptions options;

 private:
  int64_t embedding_width(size_t column) const;
  torch::Tensor embedded(const torch::Tensor& ids, size_t column);

  int64_t width_ = 0; // of all columns
  torch::nn::ModuleHolder<torch::nn::SequentialImpl> layers_{nullptr};
  std::vector<std::shared_ptr<torch::nn::Module>> embeddings_;
  std::vector<std::shared_ptr<torch::nn::Module>> bags_;
};

TORCH_MODULE(TabularTrunk);

} // namespace polytask
