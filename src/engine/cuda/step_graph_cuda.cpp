// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "step_graph_cuda.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/version.h>

#include <exception>
#include <utility>

namespace polytask::detail {

namespace {

using CudaPool = at::cuda::MempoolId_t;

// What graphs that never run at the same time have in common.
class CudaWorkplace {
 public:
  explicit CudaWorkplace(c10::DeviceIndex device)
      : stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device)) {
  }

  // That of the graphs alive; LibTorch takes no pool that nobody uses any more.
  std::shared_ptr<const CudaPool> pool() {
    auto pool = pool_.lock();
    if (!pool) {
      pool = std::make_shared<const CudaPool>(at::cuda::graph_pool_handle());
      pool_ = pool;
    }
    return pool;
  }

  const c10::cuda::CUDAStream stream;

 private:
  std::weak_ptr<const CudaPool> pool_;
};

void wait_for(
    const c10::cuda::CUDAStream& waiting, const c10::cuda::CUDAStream& other) {
  c10::cuda::CUDAEvent event;
  event.record(other);
  event.block(waiting);
}

template <typename Call>
void ignoring_errors(const Call& call) {
  try {
    call();
  } catch (const std::exception&) {
  }
}

class CudaStepGraph : public StepGraph {
 public:
  explicit CudaStepGraph(std::shared_ptr<CudaWorkplace> workplace)
      : workplace_(std::move(workplace)) {}

  void warm_up(const std::function<void()>& step) override {
    const auto& side = workplace_->stream;
    const auto current = c10::cuda::getCurrentCUDAStream(side.device_index());
    wait_for(side, current);
    std::exception_ptr error;
    try {
      const c10::cuda::CUDAStreamGuard on_side(side);
      step();
    } catch (...) {
      error = std::current_exception();
    }
    wait_for(current, side);
    if (error) {
      std::rethrow_exception(error);
    }
  }

  // Other threads may go on with calls that no recording can hold, such as
  // those of loading data; what they do to this stream is still an error.
  void record(std::function<void()> step) override {
    const c10::cuda::CUDAStreamGuard on_side(workplace_->stream);
    pool_ = workplace_->pool();
    try {
      graph_.capture_begin(*pool_, cudaStreamCaptureModeThreadLocal);
      step();
    } catch (...) {
      abandon();
      throw;
    }
    try {
      graph_.capture_end();
    } catch (...) {
      put_allocators_back();
      throw;
    }
  }

  void replay() override {
    graph_.replay();
  }

  std::unique_ptr<StepGraph> another() const override {
    return std::make_unique<CudaStepGraph>(workplace_);
  }

 private:
  void abandon() {
    bool ended = false;
    ignoring_errors([&] {
      graph_.capture_end();
      ended = true;
    });
    if (!ended) {
      put_allocators_back();
    }
  }

  // An end of capture that fails leaves allocators with a pool open and a
  // pointer to the graph. Closing a pool that is closed is an error to them,
  // and to no one else.
  void put_allocators_back() {
    const auto device = workplace_->stream.device_index();
    const CudaPool pool = *pool_;
    // Throws unless the capture ended; else the graph gives its pool back.
    bool graph_owns_pool = false;
    ignoring_errors([&] {
      graph_.pool();
      graph_owns_pool = true;
    });
    auto* allocator = c10::cuda::CUDACachingAllocator::get();
    ignoring_errors([&] { allocator->endAllocateToPool(device, pool); });
    if (!graph_owns_pool) {
      ignoring_errors([&] { allocator->releasePool(device, pool); });
    }
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 13
    auto* host = at::getHostAllocator(at::kCUDA);
    ignoring_errors([&] { host->end_allocate_to_pool(pool); });
    if (!graph_owns_pool) {
      ignoring_errors([&] { host->release_pool(pool); });
    }
#endif
  }

  std::shared_ptr<CudaWorkplace> workplace_;
  std::shared_ptr<const CudaPool> pool_;
  at::cuda::CUDAGraph graph_;
};

} // namespace

std::unique_ptr<StepGraph> make_cuda_step_graph(at::Device device) {
  const auto index =
      device.has_index() ? device.index() : c10::cuda::current_device();
  return std::make_unique<CudaStepGraph>(
      std::make_shared<CudaWorkplace>(index));
}

} // namespace polytask::detail
