// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/random.h>

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <sstream>
#include <utility>

namespace polytask::balancing {

// The distributions of <random> differ from library to library; these do not.
double Random::uniform() {
  return static_cast<double>(generator_() >> 11) * 0x1.0p-53;
}

// G. Box, M. Muller, "A note on the generation of random normal deviates",
// Annals of Mathematical Statistics, 1958.
double Random::normal() {
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::vector<int64_t> Random::permutation(int64_t count) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i) {
    const auto other = static_cast<size_t>(uniform() * static_cast<double>(i));
    std::swap(order[i - 1], order[other]);
  }
  return order;
}

at::Tensor Random::uniforms(int64_t count, const at::TensorOptions& options) {
  at::Generator generator =
      at::globalContext().defaultGenerator(options.device()).clone();
  generator.set_current_seed(generator_());
  return at::rand({count}, generator, options);
}

at::Tensor Random::state() const {
  std::ostringstream stream;
  stream << generator_;
  std::istringstream words(stream.str());
  std::vector<int64_t> numbers;
  for (uint64_t number = 0; words >> number;) {
    numbers.push_back(static_cast<int64_t>(number));
  }
  return at::tensor(numbers, at::kLong);
}

void Random::restore(const at::Tensor& state) {
  TORCH_CHECK_VALUE(
      state.dim() == 1 && state.scalar_type() == at::kLong,
      "random: expected a state of 64-bit integers, but got ",
      state.toString(),
      " ",
      state.sizes(),
      ".");
  const at::Tensor here = state.to(at::kCPU).contiguous();
  std::ostringstream words;
  for (int64_t i = 0; i < here.numel(); ++i) {
    words << static_cast<uint64_t>(here.const_data_ptr<int64_t>()[i]) << ' ';
  }
  std::istringstream stream(words.str());
  std::mt19937_64 restored;
  stream >> restored;
  TORCH_CHECK_VALUE(
      !stream.fail(), "random: the state is not one of this generator.");
  generator_ = restored;
}

} // namespace polytask::balancing
