// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "problem.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace polytask::benchmarks {

namespace {

constexpr int64_t kDraws = 4096;

// A NumPy file of float32 or int64 in row-major order.
torch::Tensor read_npy(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  TORCH_CHECK(file, "cannot open ", path);
  std::string head(10, '\0');
  file.read(head.data(), 10);
  const auto length = static_cast<uint8_t>(head[8]) +
      256 * static_cast<size_t>(static_cast<uint8_t>(head[9]));
  std::string header(length, '\0');
  file.read(header.data(), static_cast<std::streamsize>(length));
  const bool floats = header.find("'<f4'") != std::string::npos;
  TORCH_CHECK(
      (floats || header.find("'<i8'") != std::string::npos) &&
          header.find("'fortran_order': False") != std::string::npos,
      path,
      ": cannot read ",
      header);
  std::string shape = header.substr(header.find("'shape': (") + 10);
  shape.resize(shape.find(')'));
  std::replace(shape.begin(), shape.end(), ',', ' ');
  std::istringstream words(shape);
  std::vector<int64_t> sizes;
  for (int64_t size = 0; words >> size;) {
    sizes.push_back(size);
  }
  torch::Tensor tensor =
      torch::empty(sizes, floats ? torch::kFloat32 : torch::kInt64);
  file.read(
      static_cast<char*>(tensor.data_ptr()),
      static_cast<std::streamsize>(tensor.nbytes()));
  TORCH_CHECK(file, path, " is too short");
  return tensor;
}

std::vector<int64_t> to_draws(const torch::Tensor& tensor) {
  const auto* values = tensor.const_data_ptr<int64_t>();
  return {values, values + tensor.numel()};
}

Problem random_problem(const torch::Tensor& input, torch::Tensor targets) {
  return {
      input,
      targets + 0.01 * torch::randn_like(targets),
      {},
      to_draws(torch::randint(targets.size(1), {kDraws}, torch::kInt64))};
}

// The start of layers [out, in] with a bias each, as torch::nn::Linear draws.
torch::Tensor random_layers(
    const std::vector<std::pair<int64_t, int64_t>>& layers) {
  std::vector<torch::Tensor> flat;
  for (const auto& [out, in] : layers) {
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    flat.push_back(torch::rand({out * (in + 1)}).mul(2 * bound).sub(bound));
  }
  return torch::cat(flat);
}

} // namespace

std::vector<torch::Tensor> Problem::columns() const {
  std::vector<torch::Tensor> columns;
  for (int64_t t = 0; t < tasks(); ++t) {
    columns.push_back(targets.narrow(1, t, 1).contiguous());
  }
  return columns;
}

std::string Problem::name(int64_t task) {
  return fmt::format("task{}", task);
}

Batch::Targets Problem::named_targets() const {
  Batch::Targets named;
  for (const auto& column : columns()) {
    named.emplace_back(name(static_cast<int64_t>(named.size())), column);
  }
  return named;
}

Problem read_problem(const std::string& folder) {
  return {
      read_npy(folder + "/input.npy"),
      read_npy(folder + "/targets.npy"),
      read_npy(folder + "/start.npy"),
      to_draws(read_npy(folder + "/draws.npy"))};
}

Problem linear_problem(
    int64_t tasks, int64_t rows, int64_t features, const DataFolder& data) {
  if (!data.empty()) {
    return read_problem(
        fmt::format("{}/linear ({},{},{})", data, tasks, rows, features));
  }
  torch::manual_seed(0);
  const torch::Tensor input = features > 2 ? torch::randn({rows, features})
                                           : torch::rand({rows, features});
  const torch::Tensor weight = torch::randn({tasks, features}) /
      std::sqrt(static_cast<double>(features));
  Problem problem =
      random_problem(input, input.matmul(weight.t()) + torch::randn({tasks}));
  problem.start = random_layers(std::vector<std::pair<int64_t, int64_t>>(
      static_cast<size_t>(tasks), {1, features}));
  return problem;
}

Problem network_problem(
    int64_t tasks,
    int64_t rows,
    int64_t features,
    int64_t hidden,
    const DataFolder& folder) {
  if (!folder.empty()) {
    return read_problem(folder);
  }
  torch::manual_seed(0);
  const torch::Tensor input = torch::randn({rows, features});
  Problem problem = random_problem(
      input,
      torch::sin(input.matmul(
          torch::randn({features, tasks}) /
          std::sqrt(static_cast<double>(features)))));
  std::vector<std::pair<int64_t, int64_t>> layers(
      static_cast<size_t>(tasks) + 2, {1, hidden});
  layers[0] = {hidden, features};
  layers[1] = {hidden, hidden};
  problem.start = random_layers(layers);
  return problem;
}

} // namespace polytask::benchmarks
