// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "step_graph.h"

#include <array>
#include <atomic>

#if POLYTASK_WITH_CUDA
#include "cuda/step_graph_cuda.h"
#endif

namespace polytask::detail {

namespace {

using StepGraphMakers =
    std::array<std::atomic<MakeStepGraph>, at::COMPILE_TIME_MAX_DEVICE_TYPES>;

// CUDA's maker is named here: a linker leaves an object of a static library
// out, with all that would register itself in it, unless somebody names it.
StepGraphMakers& step_graph_makers() {
  static StepGraphMakers makers{};
#if POLYTASK_WITH_CUDA
  static const bool has_cuda = [] {
    makers[static_cast<size_t>(at::kCUDA)] = &make_cuda_step_graph;
    return true;
  }();
  static_cast<void>(has_cuda);
#endif
  return makers;
}

} // namespace

void register_step_graph(at::DeviceType type, MakeStepGraph make) {
  step_graph_makers()[static_cast<size_t>(type)] = make;
}

std::unique_ptr<StepGraph> make_step_graph(at::Device device) {
  const MakeStepGraph make =
      step_graph_makers()[static_cast<size_t>(device.type())];
  return make ? make(device) : nullptr;
}

} // namespace polytask::detail
