// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "../costs.h"
#include "../kernels/gemm.h"
#include "../kernels/over_rows.h"
#include "../kernels/rectify.h"
#include "../program/linear_layer.h"
#include "products.h"
#include "rectified_layer.h"

namespace polytask::detail {

namespace {

/// outputs = input · Wᵀ + b on rows [B, in], or on any shape [..., in]; with
/// the ReLU behind it, if there is one, in the same pass.
class KnownLinear : public RectifiedLayer {
 public:
  explicit KnownLinear(LinearLayer layer) : layer_(std::move(layer)) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    return layer_.obstacle(type, device);
  }

  bool maps_rows() const override {
    return true;
  }
  LayerParameters parameters() const override {
    LayerParameters all;
    if (layer_.weight->requires_grad()) {
      all.push_back(layer_.weight);
    }
    if (trains_bias()) {
      all.push_back(layer_.bias);
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
    TORCH_CHECK_VALUE(
        input.scalar_type() == layer_.weight->scalar_type(),
        "Linear: expected an input of dtype ",
        layer_.weight->scalar_type(),
        " like its weight, but got ",
        input.scalar_type(),
        ".");
    is_matrix_ = input.dim() == 2;
    input_ = is_matrix_ ? input : input.reshape({-1, layer_.width});
    if (!input_.is_contiguous()) {
      input_ = input_.contiguous();
    }
    reserve(output_, {input_.size(0), layer_.outputs}, input_.options());
    keep_rectified(output_);
    if (is_host_real(input_)) {
      as_real(input_.scalar_type(), [&](auto zero) {
        forward_as<decltype(zero)>();
      });
    } else {
      forward_by_libtorch();
    }
    if (is_matrix_) {
      return output_;
    }
    shape_ = input.sizes().vec();
    auto shape = shape_;
    shape.back() = layer_.outputs;
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
    const torch::Tensor slopes = as_matrix(cotangents);
    int64_t offset = 0;
    if (layer_.weight->requires_grad()) {
      offset = layer_.weight->numel();
      products_over_rows(slopes, {0, layer_.outputs}, input_, rows);
    }
    if (trains_bias()) {
      sum_over_rows(slopes, rows, offset);
    }
  }

  void add_to_gramian(
      const torch::Tensor& cotangents,
      int64_t tasks,
      GramianSum& sum) override {
    if (!layer_.is_trained()) {
      return;
    }
    const torch::Tensor slopes = as_matrix(cotangents);
    if (layer_.weight->requires_grad() &&
        kernel_gramian_cost(job(tasks)) < rows_gramian_cost(job(tasks))) {
      add_by_kernel(slopes, tasks, sum);
      return;
    }
    if (layer_.weight->requires_grad()) {
      add_by_rows(slopes, tasks, sum);
    }
    if (trains_bias()) {
      const torch::Tensor sums =
          torch::empty({tasks, layer_.outputs}, slopes.options());
      sum_over_rows(slopes, sums, 0);
      sum.add_rows(sums);
    }
  }

  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    const torch::Tensor slopes = as_matrix(cotangents);
    reserve(
        input_cotangents_, {slopes.size(0), layer_.width}, slopes.options());
    if (is_host_real(slopes)) {
      as_real(slopes.scalar_type(), [&](auto zero) {
        using Scalar = decltype(zero);
        gemm(
            slopes.size(0),
            layer_.width,
            layer_.outputs,
            MatrixView<Scalar>{slopes.const_data_ptr<Scalar>(), layer_.outputs},
            MatrixView<Scalar>{
                layer_.weight->const_data_ptr<Scalar>(), layer_.width},
            input_cotangents_.data_ptr<Scalar>(),
            layer_.width);
      });
    } else {
      torch::mm_out(input_cotangents_, slopes, *layer_.weight);
    }
    return is_matrix_ ? input_cotangents_
                      : input_cotangents_.view(with_tasks(shape_, tasks));
  }

 private:
  bool trains_bias() const {
    return layer_.has_bias() && layer_.bias->requires_grad();
  }

  LayerGramianJob job(int64_t tasks) const {
    return {tasks, input_.size(0), layer_.width, layer_.outputs};
  }

  // [n · B, outputs]
  torch::Tensor as_matrix(const torch::Tensor& cotangents) const {
    return cotangents.dim() == 2 && cotangents.is_contiguous()
        ? cotangents
        : cotangents.reshape({-1, layer_.outputs}).contiguous();
  }

  template <typename Scalar>
  void forward_as() {
    const int64_t rows = input_.size(0);
    auto* output = output_.data_ptr<Scalar>();
    gemm(
        rows,
        layer_.outputs,
        layer_.width,
        MatrixView<Scalar>{input_.const_data_ptr<Scalar>(), layer_.width},
        MatrixView<Scalar>{
            layer_.weight->const_data_ptr<Scalar>(), layer_.width, true},
        output,
        layer_.outputs);
    const auto* bias =
        layer_.has_bias() ? layer_.bias->const_data_ptr<Scalar>() : nullptr;
    over_rows(rows, layer_.outputs, [&](int64_t begin, int64_t end) {
      auto* part = output + begin * layer_.outputs;
      if (is_rectified()) {
        add_bias_and_rectify(part, bias, end - begin, layer_.outputs);
      } else if (bias) {
        add_bias(part, bias, end - begin, layer_.outputs);
      }
    });
  }

  void forward_by_libtorch() {
    if (layer_.has_bias()) {
      torch::addmm_out(output_, *layer_.bias, input_, layer_.weight->t());
    } else {
      torch::mm_out(output_, input_, layer_.weight->t());
    }
    if (is_rectified()) {
      output_.relu_();
    }
  }

  // A part of the outputs at a time, so that the rows stay in a core's cache.
  void add_by_rows(
      const torch::Tensor& slopes, int64_t tasks, GramianSum& sum) {
    const int64_t part = std::min<int64_t>(
        std::max<int64_t>(kCachedElements / (tasks * layer_.width), 16),
        layer_.outputs);
    reserve(rows_, {tasks, part * layer_.width}, slopes.options());
    for (int64_t begin = 0; begin < layer_.outputs; begin += part) {
      const int64_t end = std::min(begin + part, layer_.outputs);
      const torch::Tensor rows =
          rows_.narrow(1, 0, (end - begin) * layer_.width);
      products_over_rows(slopes, {begin, end}, input_, rows);
      sum.add_rows(rows);
    }
  }

  // <D_sᵀ X, D_tᵀ X> = <D_s, X Xᵀ D_t>; a bias is one more column of ones.
  //
  // Source: I. Goodfellow, "Efficient per-example gradient computations",
  // arXiv:1510.01799, 2015, for one row; here for all pairs of rows.
  void add_by_kernel(
      const torch::Tensor& slopes, int64_t tasks, GramianSum& sum) {
    torch::Tensor kernel = torch::mm(input_, input_.t());
    if (trains_bias()) {
      kernel.add_(1);
    }
    const torch::Tensor by_task =
        slopes.view({tasks, input_.size(0), layer_.outputs});
    reserve(products_, by_task.sizes(), slopes.options());
    torch::matmul_out(products_, kernel, by_task);
    sum.add_products(by_task.flatten(1), products_.flatten(1));
  }

  LinearLayer layer_;
  bool is_matrix_ = true;
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
