// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/original_job.h"

#include <torch/utils.h>

#include <algorithm>

namespace polytask::testing {

OriginalJob::OriginalJob(
    uint64_t seed, torch::Dtype dtype, torch::Device device) {
  torch::manual_seed(seed);
  const auto options = torch::TensorOptions(dtype);
  x = torch::rand({2, 100}, options).t().contiguous().to(device);
  y1 = x.mv(torch::tensor({0.1, 0.2}, x.options())).add(0.3).unsqueeze(1);
  y2 = x.mv(torch::tensor({0.5, 0.9}, x.options())).add(3.0).unsqueeze(1);
  w1 = torch::empty({1, 2}, options).uniform_(-1, 1).to(device);
  w2 = torch::empty({1, 2}, options).uniform_(-1, 1).to(device);
}

MultiTaskModel OriginalJob::model() const {
  MultiTaskModel model;
  LinearTask task1(2, 1);
  LinearTask task2(2, 1);
  model->add_task("y1", task1);
  model->add_task("y2", task2);
  model->to(x.device(), x.scalar_type());
  torch::NoGradGuard no_grad;
  task1->weight.copy_(w1);
  task2->weight.copy_(w2);
  return model;
}

double OriginalJob::error(const MultiTaskModel& model) {
  double largest = 0;
  const auto far = [&](const std::string& name, std::vector<double> truth) {
    const auto head = model->task(name).head().as<LinearTask>();
    const auto learned =
        torch::cat({head->weight.flatten(), head->bias}).to(torch::kCPU);
    const auto error = learned.detach().to(torch::kDouble) -
        torch::tensor(truth, torch::kDouble);
    largest = std::max(largest, error.abs().max().item<double>());
  };
  far("y1", {0.1, 0.2, 0.3});
  far("y2", {0.5, 0.9, 3.0});
  return largest;
}

} // namespace polytask::testing
