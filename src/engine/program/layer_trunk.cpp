// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "layer_trunk.h"

#include <ATen/Parallel.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sigmoid_backward.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tanh_backward.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>

#include <typeinfo>

#include <polytask/sharing/hard_sharing.h>

#include "../kernels/gemm.h"
#include "../kernels/rectify.h"

namespace polytask::detail {

namespace {

// Elements from which on a pass is shared by threads.
constexpr int64_t kPassElements = 1 << 15;

template <typename Pass>
void over_rows(int64_t rows, int64_t width, const Pass& pass) {
  if (rows * width < kPassElements || at::get_num_threads() == 1) {
    pass(0, rows);
  } else {
    at::parallel_for(
        0, rows, std::max<int64_t>(1, kPassElements / width), pass);
  }
}

} // namespace

std::optional<LayerTrunk::Activation> LayerTrunk::activation_of(
    const torch::nn::Module& module) {
  if (typeid(module) == typeid(torch::nn::ReLUImpl)) {
    return Activation::kReLU;
  }
  if (typeid(module) == typeid(torch::nn::TanhImpl)) {
    return Activation::kTanh;
  }
  if (typeid(module) == typeid(torch::nn::SigmoidImpl)) {
    return Activation::kSigmoid;
  }
  return std::nullopt;
}

std::unique_ptr<LayerTrunk> LayerTrunk::make(
    const MultiTaskModel& model, int64_t features, std::string& reason) {
  const auto& sharing = static_cast<const HardSharingImpl&>(model->sharing());
  const auto& whole = sharing.trunk().module();
  auto modules = std::vector<std::shared_ptr<torch::nn::Module>>{whole};
  const torch::nn::Module& known = *whole;
  if (typeid(known) == typeid(torch::nn::SequentialImpl)) {
    modules = whole->children();
  }
  auto trunk = std::make_unique<LayerTrunk>();
  for (const auto& module : modules) {
    const auto layer = LinearLayer::of(module);
    const auto activation = activation_of(*module);
    const bool starts = trunk->stages_.empty();
    if (layer &&
        (starts || trunk->stages_.back().layer.outputs == layer->width)) {
      trunk->stages_.push_back({*layer, Activation::kNone, {}, {}, {}, {}});
    } else if (
        activation && !starts &&
        trunk->stages_.back().activation == Activation::kNone) {
      trunk->stages_.back().activation = *activation;
    } else {
      reason = "the trunk has a '" + module->name() +
          "' where a program takes Linear, ReLU, Tanh and Sigmoid";
      return nullptr;
    }
  }
  if (trunk->stages_.empty()) {
    reason = "the trunk is empty";
    return nullptr;
  }
  if (trunk->stages_.back().layer.outputs != features) {
    reason = "the trunk does not fit the heads";
    return nullptr;
  }
  return trunk;
}

Obstacle LayerTrunk::obstacle(const at::Tensor& input) const {
  if (input.dim() != 2) {
    return {"the input is not a matrix [B, d]"};
  }
  if (input.size(1) != stages_.front().layer.width) {
    return {"the input is of another width", /*is_error=*/true};
  }
  if (input.requires_grad()) {
    return {"the input requires a gradient"};
  }
  for (const Stage& stage : stages_) {
    if (auto found = stage.layer.obstacle(input.scalar_type())) {
      return found;
    }
  }
  return {};
}

void LayerTrunk::prepare(const at::Tensor& input) {
  const auto options = torch::TensorOptions(input.scalar_type());
  const int64_t rows = input.size(0);
  for (Stage& stage : stages_) {
    const auto& layer = stage.layer;
    const bool same_type = stage.output.defined() &&
        stage.output.scalar_type() == input.scalar_type();
    if (!same_type) {
      stage.weight_gradient =
          torch::empty({layer.outputs, layer.width}, options);
      stage.bias_gradient = layer.has_bias()
          ? torch::empty({layer.outputs}, options)
          : torch::Tensor();
    }
    if (!same_type || stage.output.size(0) != rows) {
      stage.output = torch::empty({rows, layer.outputs}, options);
      stage.cotangent = torch::empty({rows, layer.outputs}, options);
    }
  }
}

template <typename Scalar>
void LayerTrunk::forward_as() {
  const int64_t rows = input_.size(0);
  const torch::Tensor* from = &input_;
  for (Stage& stage : stages_) {
    const auto& layer = stage.layer;
    auto* output = stage.output.template data_ptr<Scalar>();
    gemm(
        rows,
        layer.outputs,
        layer.width,
        MatrixView<Scalar>{from->const_data_ptr<Scalar>(), layer.width},
        MatrixView<Scalar>{
            layer.weight->template const_data_ptr<Scalar>(), layer.width, true},
        output,
        layer.outputs);
    const auto* bias = layer.has_bias()
        ? layer.bias->template const_data_ptr<Scalar>()
        : nullptr;
    over_rows(rows, layer.outputs, [&](int64_t begin, int64_t end) {
      auto* part = output + begin * layer.outputs;
      if (stage.activation == Activation::kReLU) {
        add_bias_and_rectify(part, bias, end - begin, layer.outputs);
      } else if (bias) {
        add_bias(part, bias, end - begin, layer.outputs);
      }
    });
    if (stage.activation == Activation::kTanh) {
      at::tanh_out(stage.output, stage.output);
    } else if (stage.activation == Activation::kSigmoid) {
      at::sigmoid_out(stage.output, stage.output);
    }
    from = &stage.output;
  }
}

at::Tensor LayerTrunk::forward(const HeadStep& step) {
  const at::Tensor& input = *step.input;
  prepare(input);
  input_ = input.is_contiguous() ? input : input.contiguous();
  if (input.scalar_type() == at::kFloat) {
    forward_as<float>();
  } else {
    forward_as<double>();
  }
  return stages_.back().output;
}

bool LayerTrunk::learns_below(size_t stage) const {
  for (size_t i = 0; i < stage; ++i) {
    if (stages_[i].layer.is_trained()) {
      return true;
    }
  }
  return false;
}

at::Tensor LayerTrunk::cotangent() {
  return learns_below(stages_.size()) ? stages_.back().cotangent : at::Tensor();
}

void LayerTrunk::clear_gradients() {
  for (Stage& stage : stages_) {
    set_gradient(*stage.layer.weight, {});
    if (stage.layer.has_bias()) {
      set_gradient(*stage.layer.bias, {});
    }
  }
}

template <typename Scalar>
void LayerTrunk::backward_as() {
  const int64_t rows = input_.size(0);
  for (size_t s = stages_.size(); s-- > 0;) {
    Stage& stage = stages_[s];
    const auto& layer = stage.layer;
    auto* slopes = stage.cotangent.template data_ptr<Scalar>();
    const auto* outputs = stage.output.template const_data_ptr<Scalar>();
    if (stage.activation == Activation::kReLU) {
      over_rows(rows, layer.outputs, [&](int64_t begin, int64_t end) {
        rectify_gradient(
            slopes + begin * layer.outputs,
            outputs + begin * layer.outputs,
            (end - begin) * layer.outputs);
      });
    } else if (stage.activation == Activation::kTanh) {
      at::tanh_backward_out(stage.cotangent, stage.cotangent, stage.output);
    } else if (stage.activation == Activation::kSigmoid) {
      at::sigmoid_backward_out(stage.cotangent, stage.cotangent, stage.output);
    }
    const torch::Tensor& from = s == 0 ? input_ : stages_[s - 1].output;
    gemm(
        layer.outputs,
        layer.width,
        rows,
        MatrixView<Scalar>{slopes, layer.outputs, true},
        MatrixView<Scalar>{from.const_data_ptr<Scalar>(), layer.width},
        stage.weight_gradient.template data_ptr<Scalar>(),
        layer.width);
    set_gradient(*layer.weight, stage.weight_gradient);
    if (layer.has_bias()) {
      sum_rows(
          slopes,
          rows,
          layer.outputs,
          stage.bias_gradient.template data_ptr<Scalar>());
      set_gradient(*layer.bias, stage.bias_gradient);
    }
    if (!learns_below(s)) {
      return;
    }
    gemm(
        rows,
        layer.width,
        layer.outputs,
        MatrixView<Scalar>{slopes, layer.outputs},
        MatrixView<Scalar>{
            layer.weight->template const_data_ptr<Scalar>(), layer.width},
        stages_[s - 1].cotangent.template data_ptr<Scalar>(),
        layer.width);
  }
}

void LayerTrunk::backward() {
  if (!learns_below(stages_.size())) {
    return;
  }
  if (input_.scalar_type() == at::kFloat) {
    backward_as<float>();
  } else {
    backward_as<double>();
  }
}

} // namespace polytask::detail
