// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>

#include <typeinfo>

#include "known_layer.h"

namespace polytask::detail {

namespace {

class KnownReshaping : public KnownLayer {
 public:
  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    return {};
  }

 protected:
  std::vector<int64_t> shape_;
};

class KnownFlatten : public KnownReshaping {
 public:
  torch::Tensor forward(const torch::Tensor& input) override {
    shape_ = input.sizes().vec();
    return input.flatten(1);
  }
  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    return cotangents.view(with_tasks(shape_, tasks));
  }
};

class KnownMaxPool2d : public KnownReshaping {
 public:
  explicit KnownMaxPool2d(const torch::nn::MaxPool2dOptions& options)
      : options_(options) {}

  torch::Tensor forward(const torch::Tensor& input) override {
    shape_ = input.sizes().vec();
    auto [output, indices] = torch::max_pool2d_with_indices(
        input,
        *options_.kernel_size(),
        *options_.stride(),
        *options_.padding(),
        *options_.dilation(),
        options_.ceil_mode());
    indices_ = indices.flatten(2).unsqueeze(0);
    return output;
  }
  // Windows may overlap, so a maximum may be that of several.
  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    auto shape = indices_.sizes().vec();
    shape[0] = tasks;
    const torch::Tensor from = cotangents.reshape(shape);
    shape[3] = shape_[2] * shape_[3];
    torch::Tensor to = torch::zeros(shape, cotangents.options());
    to.scatter_add_(3, indices_.expand(from.sizes()), from);
    return to.view(with_tasks(shape_, tasks));
  }

 private:
  torch::nn::MaxPool2dOptions options_;
  torch::Tensor indices_; // [1, B, C, pixels]
};

} // namespace

std::unique_ptr<KnownLayer> make_reshaping(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& given = *module;
  if (typeid(given) == typeid(torch::nn::FlattenImpl)) {
    const auto& options =
        static_cast<const torch::nn::FlattenImpl&>(given).options;
    if (options.start_dim() == 1 && options.end_dim() == -1) {
      return std::make_unique<KnownFlatten>();
    }
  }
  if (typeid(given) == typeid(torch::nn::MaxPool2dImpl)) {
    return std::make_unique<KnownMaxPool2d>(
        static_cast<const torch::nn::MaxPool2dImpl&>(given).options);
  }
  return nullptr;
}

} // namespace polytask::detail
