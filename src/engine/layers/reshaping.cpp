// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/nn/modules/linear.h>

#include "known_layer.h"

namespace polytask::detail {

namespace {

/// The same elements in the same order in another shape, of the batch too.
template <typename Impl>
class KnownReshaping : public KnownLayer {
 public:
  explicit KnownReshaping(std::shared_ptr<Impl> module)
      : module_(std::move(module)) {}

  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    return {};
  }
  torch::Tensor forward(const torch::Tensor& input) override {
    shape_ = input.sizes().vec();
    return run_on(input, *module_, [&] { return module_->forward(input); });
  }
  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    return cotangents.reshape(with_tasks(shape_, tasks));
  }

 private:
  std::shared_ptr<Impl> module_;
  std::vector<int64_t> shape_;
};

template <typename Impl>
std::unique_ptr<KnownLayer> reshaping_if(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto given = exactly<Impl>(module);
  return given ? std::make_unique<KnownReshaping<Impl>>(std::move(given))
               : nullptr;
}

} // namespace

std::unique_ptr<KnownLayer> make_reshaping(
    const std::shared_ptr<torch::nn::Module>& module) {
  if (auto layer = reshaping_if<torch::nn::FlattenImpl>(module)) {
    return layer;
  }
  return reshaping_if<torch::nn::UnflattenImpl>(module);
}

} // namespace polytask::detail
