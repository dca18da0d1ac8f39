// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "../costs.h"
#include "../kernels/gemm.h"
#include "../kernels/rectify.h"
#include "../program/linear_layer.h"
#include "known_layer.h"
#include "products.h"

namespace polytask::detail {

namespace {

/// outputs = input · Wᵀ + b on rows [B, in], or on any shape [..., in].
class KnownLinear : public KnownLayer {
 public:
  explicit KnownLinear(LinearLayer layer) : layer_(std::move(layer)) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    return layer_.obstacle(type, device);
  }

  std::vector<torch::Tensor> parameters() const override {
    std::vector<torch::Tensor> all;
    if (layer_.weight->requires_grad()) {
      all.push_back(*layer_.weight);
    }
    if (trains_bias()) {
      all.push_back(*layer_.bias);
    }
    return all;
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    TORCH_CHECK_VALUE(
        input.size(-1) == layer_.width,
        "Linear: expected an input [..., ",
        layer_.width,
        "], but got ",
        input.sizes(),
        ".");
    input_ = input.reshape({-1, layer_.width}).contiguous();
    shape_ = input.sizes().vec();
    auto shape = shape_;
    shape.back() = layer_.outputs;
    reserve(output_, {input_.size(0), layer_.outputs}, input.options());
    if (layer_.has_bias()) {
      torch::addmm_out(output_, *layer_.bias, input_, layer_.weight->t());
    } else {
      torch::mm_out(output_, input_, layer_.weight->t());
    }
    return output_.view(shape);
  }

  Costs costs(int64_t tasks) const override {
    if (!layer_.weight->requires_grad()) {
      return {};
    }
    const auto own = job(tasks);
    return {
        rows_cost(own),
        std::min(rows_gramian_cost(own), kernel_gramian_cost(own)) +
            cotangents_cost(
                own, static_cast<int64_t>(layer_.weight->element_size()))};
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const int64_t tasks = rows.size(0);
    const torch::Tensor slopes = by_task(cotangents, tasks);
    int64_t offset = 0;
    if (layer_.weight->requires_grad()) {
      offset = layer_.weight->numel();
      write_weight_rows(slopes, 0, layer_.outputs, rows);
    }
    if (trains_bias()) {
      sum_over_rows(slopes, rows.narrow(1, offset, layer_.outputs));
    }
  }

  void add_to_gramian(
      const torch::Tensor& cotangents,
      int64_t tasks,
      GramianSum& sum) override {
    if (parameters().empty()) {
      return;
    }
    const torch::Tensor slopes = by_task(cotangents, tasks);
    if (layer_.weight->requires_grad() &&
        kernel_gramian_cost(job(tasks)) < rows_gramian_cost(job(tasks))) {
      add_by_kernel(slopes, sum);
      return;
    }
    if (layer_.weight->requires_grad()) {
      add_by_rows(slopes, sum);
    }
    if (trains_bias()) {
      const torch::Tensor sums =
          torch::empty({tasks, layer_.outputs}, slopes.options());
      sum_over_rows(slopes, sums);
      sum.add_rows(sums);
    }
  }

  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    const torch::Tensor slopes = cotangents.reshape({-1, layer_.outputs});
    reserve(
        input_cotangents_, {slopes.size(0), layer_.width}, slopes.options());
    torch::mm_out(input_cotangents_, slopes, *layer_.weight);
    auto shape = shape_;
    shape[0] *= tasks;
    return input_cotangents_.view(shape);
  }

 private:
  bool trains_bias() const {
    return layer_.has_bias() && layer_.bias->requires_grad();
  }

  LayerGramianJob job(int64_t tasks) const {
    return {tasks, input_.size(0), layer_.width, layer_.outputs};
  }

  // [n, B, outputs]
  torch::Tensor by_task(const torch::Tensor& cotangents, int64_t tasks) const {
    return cotangents.reshape({tasks, -1, layer_.outputs});
  }

  // Of the outputs [begin, end): the gradients of their weights.
  void write_weight_rows(
      const torch::Tensor& slopes,
      int64_t begin,
      int64_t end,
      torch::Tensor& rows) const {
    products_over_rows(slopes, begin, end, input_, rows);
  }

  // A part of the outputs at a time, so that the rows stay in a core's cache.
  void add_by_rows(const torch::Tensor& slopes, GramianSum& sum) {
    const int64_t tasks = slopes.size(0);
    const int64_t part = std::min<int64_t>(
        std::max<int64_t>(kCachedElements / (tasks * layer_.width), 16),
        layer_.outputs);
    reserve(rows_, {tasks, part * layer_.width}, slopes.options());
    for (int64_t begin = 0; begin < layer_.outputs; begin += part) {
      const int64_t end = std::min(begin + part, layer_.outputs);
      torch::Tensor rows = rows_.narrow(1, 0, (end - begin) * layer_.width);
      write_weight_rows(slopes, begin, end, rows);
      sum.add_rows(rows);
    }
  }

  // <D_sᵀ X, D_tᵀ X> = <D_s, X Xᵀ D_t>; a bias is one more column of ones.
  //
  // Source: I. Goodfellow, "Efficient per-example gradient computations",
  // arXiv:1510.01799, 2015, for one row; here for all pairs of rows.
  void add_by_kernel(const torch::Tensor& slopes, GramianSum& sum) {
    torch::Tensor kernel = torch::mm(input_, input_.t());
    if (trains_bias()) {
      kernel.add_(1);
    }
    reserve(products_, slopes.sizes(), slopes.options());
    torch::matmul_out(products_, kernel, slopes);
    sum.add_products(slopes.flatten(1), products_.flatten(1));
  }

  LinearLayer layer_;
  torch::Tensor input_; // [B, in]
  std::vector<int64_t> shape_;
  torch::Tensor output_;
  torch::Tensor input_cotangents_;
  torch::Tensor rows_;
  torch::Tensor products_;
};

} // namespace

std::unique_ptr<KnownLayer> make_linear(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto layer = LinearLayer::of(module);
  return layer ? std::make_unique<KnownLinear>(*std::move(layer)) : nullptr;
}

} // namespace polytask::detail
