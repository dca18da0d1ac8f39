// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <tuple>
#include <variant>

#include "../costs.h"
#include "../program/parameter_obstacle.h"
#include "rectified_layer.h"

namespace polytask::detail {

namespace {

/// A convolution over D dimensions, padded with zeros, on [B, C, ...].
template <size_t D, typename Impl>
class KnownConvolution : public RectifiedLayer {
 public:
  explicit KnownConvolution(std::shared_ptr<Impl> module)
      : module_(std::move(module)), shape_(module_->weight.sizes().vec()) {}

  static bool pads_with_zeros(const Impl& module) {
    return std::holds_alternative<torch::enumtype::kZeros>(
        module.options.padding_mode());
  }

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    if (!pads_with_zeros(*module_)) {
      return {"a convolution pads with something else than zeros"};
    }
    auto found = parameter_obstacle(module_->weight, shape_, type, device);
    if (!found && module_->bias.defined()) {
      found = parameter_obstacle(module_->bias, {shape_[0]}, type, device);
    }
    return found;
  }

  LayerParameters parameters() const override {
    LayerParameters all;
    if (module_->weight.requires_grad()) {
      all.push_back(&module_->weight);
    }
    if (trains_bias()) {
      all.push_back(&module_->bias);
    }
    return all;
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    return run_on(input, *module_, [&] {
      const bool has_batch = input.dim() != D + 1;
      find_padding();
      input_ = has_batch ? input : input.unsqueeze(0);
      if (pads_more_behind_) {
        input_ = at::constant_pad_nd(input_, more_behind_, 0);
      }
      input_ = input_.contiguous();
      const torch::Tensor output = rectified(at::convolution(
                                                 input_,
                                                 module_->weight,
                                                 module_->bias,
                                                 *module_->options.stride(),
                                                 padding_,
                                                 *module_->options.dilation(),
                                                 /*transposed=*/false,
                                                 std::array<int64_t, D>{},
                                                 module_->options.groups())
                                                 .contiguous());
      input_shape_ = input.sizes().vec();
      output_shape_ = output.sizes().vec();
      return has_batch ? output : output.squeeze(0);
    });
  }

  Costs costs(int64_t tasks) const override {
    const double cost = rows_cost(
        {tasks,
         input_.numel() / input_.size(1),
         module_->weight.numel() / shape_[0],
         shape_[0]});
    return {cost, cost};
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const int64_t batch = input_.size(0);
    const torch::Tensor all = batched(cotangents, rows.size(0));
    for (int64_t task = 0; task < rows.size(0); ++task) {
      const auto gradients = differentiate(
          all.narrow(0, task * batch, batch),
          input_,
          {false, module_->weight.requires_grad(), trains_bias()});
      torch::Tensor row = rows.select(0, task);
      int64_t offset = 0;
      for (const auto* gradient :
           {&std::get<1>(gradients), &std::get<2>(gradients)}) {
        if (gradient->defined()) {
          row.narrow(0, offset, gradient->numel()).copy_(gradient->reshape(-1));
          offset += gradient->numel();
        }
      }
    }
  }

  // The input's values have no part in its cotangent, only its shape.
  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    torch::Tensor from = std::get<0>(differentiate(
        batched(cotangents, tasks),
        torch::empty(with_tasks(input_.sizes(), tasks), input_.options()),
        {true, false, false}));
    for (size_t i = 0; i < D && pads_more_behind_; ++i) {
      const auto dim = static_cast<int64_t>(D + 1 - i);
      from = from.narrow(dim, 0, from.size(dim) - more_behind_[2 * i + 1]);
    }
    return from.reshape(with_tasks(input_shape_, tasks)).contiguous();
  }

 private:
  bool trains_bias() const {
    return module_->bias.defined() && module_->bias.requires_grad();
  }

  // What "same" pads with more behind than in front is one row or column.
  void find_padding() {
    using Numbers = torch::ExpandingArray<D>;
    const auto& given = module_->options.padding();
    pads_more_behind_ = false;
    padding_.assign(D, 0);
    if (const auto* numbers = std::get_if<Numbers>(&given)) {
      padding_.assign((*numbers)->begin(), (*numbers)->end());
    } else if (std::holds_alternative<torch::enumtype::kSame>(given)) {
      for (size_t i = 0; i < D; ++i) {
        TORCH_CHECK(
            (*module_->options.stride())[i] == 1,
            "padding='same' is not supported for strided convolutions");
        const int64_t both =
            (*module_->options.dilation())[i] * (shape_[i + 2] - 1);
        padding_[i] = both / 2;
        // From the last dimension on, each in front and behind.
        more_behind_[2 * (D - 1 - i) + 1] = both % 2;
        pads_more_behind_ = pads_more_behind_ || both % 2 != 0;
      }
    }
  }

  // [n · B, ...] also where the input was none of a batch.
  torch::Tensor batched(const torch::Tensor& cotangents, int64_t tasks) const {
    return cotangents.reshape(with_tasks(output_shape_, tasks));
  }

  std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> differentiate(
      const torch::Tensor& cotangents,
      const torch::Tensor& input,
      std::array<bool, 3> wanted) const {
    return at::convolution_backward(
        cotangents,
        input,
        module_->weight,
        at::OptionalIntArrayRef(shape_[0]),
        *module_->options.stride(),
        padding_,
        *module_->options.dilation(),
        /*transposed=*/false,
        std::array<int64_t, D>{},
        module_->options.groups(),
        wanted);
  }

  std::shared_ptr<Impl> module_;
  std::vector<int64_t> shape_; // of the weight
  std::vector<int64_t> padding_;
  std::array<int64_t, 2 * D> more_behind_{};
  bool pads_more_behind_ = false;
  torch::Tensor input_; // padded, of a batch
  std::vector<int64_t> input_shape_;
  std::vector<int64_t> output_shape_;
};

template <size_t D, typename Impl>
std::unique_ptr<KnownLayer> convolution_if(
    const std::shared_ptr<torch::nn::Module>& module) {
  using Known = KnownConvolution<D, Impl>;
  const auto given = exactly<Impl>(module);
  const bool is_known = given && Known::pads_with_zeros(*given);
  return is_known ? std::make_unique<Known>(given) : nullptr;
}

} // namespace

std::unique_ptr<KnownLayer> make_convolution(
    const std::shared_ptr<torch::nn::Module>& module) {
  if (auto layer = convolution_if<1, torch::nn::Conv1dImpl>(module)) {
    return layer;
  }
  return convolution_if<2, torch::nn::Conv2dImpl>(module);
}

} // namespace polytask::detail
