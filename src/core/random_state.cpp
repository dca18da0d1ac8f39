// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/random_state.h>

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <torch/cuda.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "archive.h"

namespace polytask {

namespace {

constexpr auto kRandomState = "RandomState";

at::Generator generator_of(at::Device device) {
  return at::globalContext().defaultGenerator(device);
}

at::Device cuda_device(size_t index) {
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

at::Tensor state_of_generator(at::Generator generator) {
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

void set_generator(at::Generator generator, const at::Tensor& state) {
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state.to(at::kCPU));
}

// On a copy of the generator, which throws on what is no state of its kind.
void check_generator(const at::Generator& generator, const at::Tensor& state) {
  at::Generator copy = generator.clone();
  try {
    copy.set_state(state.to(at::kCPU));
  } catch (const c10::Error& error) {
    TORCH_CHECK_VALUE(
        false,
        kRandomState,
        ": expected the state of the generator of ",
        generator.device(),
        ", but ",
        error.what_without_backtrace());
  }
}

} // namespace

RandomState RandomState::capture() {
  RandomState state;
  state.cpu_ = state_of_generator(generator_of(at::kCPU));
  const auto devices = static_cast<size_t>(torch::cuda::device_count());
  for (size_t i = 0; i < devices; ++i) {
    state.cuda_.push_back(state_of_generator(generator_of(cuda_device(i))));
  }
  return state;
}

void RandomState::restore() const {
  const auto devices = static_cast<size_t>(torch::cuda::device_count());
  TORCH_CHECK_VALUE(
      cuda_.size() <= devices,
      kRandomState,
      ": it holds the generators of ",
      cuda_.size(),
      " CUDA devices, but there are ",
      devices,
      ".");
  restore_first(cuda_.size());
}

void RandomState::restore_present() const {
  const auto devices = static_cast<size_t>(torch::cuda::device_count());
  restore_first(std::min(cuda_.size(), devices));
}

void RandomState::restore_first(size_t devices) const {
  TORCH_CHECK_VALUE(
      cpu_.defined(),
      kRandomState,
      ": it holds nothing; capture() or load() comes before restore().");
  check_generator(generator_of(at::kCPU), cpu_);
  for (size_t i = 0; i < devices; ++i) {
    check_generator(generator_of(cuda_device(i)), cuda_[i]);
  }
  set_generator(generator_of(at::kCPU), cpu_);
  for (size_t i = 0; i < devices; ++i) {
    set_generator(generator_of(cuda_device(i)), cuda_[i]);
  }
}

void RandomState::save(torch::serialize::OutputArchive& archive) const {
  TORCH_CHECK_VALUE(
      cpu_.defined(), kRandomState, ": it holds nothing that could be saved.");
  archive.write("cpu", cpu_, /*is_buffer=*/true);
  archive.write("cuda", c10::IValue(static_cast<int64_t>(cuda_.size())));
  for (size_t i = 0; i < cuda_.size(); ++i) {
    archive.write("cuda" + std::to_string(i), cuda_[i], /*is_buffer=*/true);
  }
}

void RandomState::load(torch::serialize::InputArchive& archive) {
  const detail::ArchiveReader reader(archive, kRandomState);
  RandomState read;
  read.cpu_ = reader.tensor("cpu");
  for (int64_t i = 0; i < reader.integer("cuda"); ++i) {
    read.cuda_.push_back(reader.tensor("cuda" + std::to_string(i)));
  }
  *this = std::move(read);
}

torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const RandomState& state) {
  state.save(archive);
  return archive;
}

torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, RandomState& state) {
  state.load(archive);
  return archive;
}

} // namespace polytask
