// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/attention_layers.h"

#include <ATen/ops/adaptive_max_pool2d.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <memory>
#include <tuple>

namespace polytask::detail {

namespace {

using torch::nn::BatchNorm1d;
using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;
using torch::nn::Linear;
using torch::nn::ReLU;
using torch::nn::Sequential;
using torch::nn::Sigmoid;

Conv2d plain_convolution(int64_t inputs, int64_t outputs, int64_t size) {
  return Conv2d(
      Conv2dOptions(inputs, outputs, size).padding(size / 2).bias(false));
}

// The basic block of a ResNet.
class AttentionBlockImpl : public torch::nn::Cloneable<AttentionBlockImpl> {
 public:
  using OnlyReads = AttentionBlockImpl;

  AttentionBlockImpl(int64_t inputs, int64_t outputs)
      : inputs_(inputs), outputs_(outputs) {
    reset();
  }

  void reset() override {
    layers_ = register_module(
        "layers",
        Sequential(
            plain_convolution(inputs_, outputs_, 3),
            BatchNorm2d(outputs_),
            ReLU(),
            plain_convolution(outputs_, outputs_, 3),
            BatchNorm2d(outputs_)));
    shortcut_ = register_module(
        "shortcut",
        Sequential(
            plain_convolution(inputs_, outputs_, 1), BatchNorm2d(outputs_)));
  }

  torch::Tensor forward(const torch::Tensor& input) {
    return (layers_->forward(input) + shortcut_->forward(input)).relu();
  }

 private:
  int64_t inputs_;
  int64_t outputs_;
  Sequential layers_{nullptr};
  Sequential shortcut_{nullptr};
};

} // namespace

Network attention_mask(
    bool of_maps, int64_t inputs, int64_t hidden, int64_t outputs) {
  return of_maps ? Sequential(
                       Conv2d(Conv2dOptions(inputs, hidden, 1)),
                       BatchNorm2d(hidden),
                       ReLU(),
                       Conv2d(Conv2dOptions(hidden, outputs, 1)),
                       BatchNorm2d(outputs),
                       Sigmoid())
                 : Sequential(
                       Linear(inputs, hidden),
                       BatchNorm1d(hidden),
                       ReLU(),
                       Linear(hidden, outputs),
                       BatchNorm1d(outputs),
                       Sigmoid());
}

Network attention_block(bool of_maps, int64_t inputs, int64_t outputs) {
  if (of_maps) {
    return std::make_shared<AttentionBlockImpl>(inputs, outputs);
  }
  return Sequential(Linear(inputs, outputs), BatchNorm1d(outputs), ReLU());
}

torch::Tensor pooled_to(
    const torch::Tensor& maps, int64_t height, int64_t width) {
  const int64_t from_height = maps.size(2), from_width = maps.size(3);
  if (height == from_height && width == from_width) {
    return maps;
  }
  // The same where windows are equal; on CUDA its gradient is deterministic.
  if (from_height % height == 0 && from_width % width == 0) {
    return at::max_pool2d(maps, {from_height / height, from_width / width});
  }
  return std::get<0>(at::adaptive_max_pool2d(maps, {height, width}));
}

} // namespace polytask::detail
