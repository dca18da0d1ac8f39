// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <polytask/engine/predictor.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/support/expert_models.h"
#include "tests/support/original_job.h"
#include "tests/support/routes.h"
#include "tests/support/sanitized.h"

// Counts what the program asks of the heap: objects by operator new, memory of
// tensors by LibTorch's allocator.

namespace {

std::atomic<int64_t> heap_requests{0};

} // namespace

[[gnu::noinline]] void* operator new(size_t size) {
  ++heap_requests;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace polytask {
namespace {

// LibTorch's allocator, and a count.
class CountingAllocator : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* own) : own_(own) {}

  c10::DataPtr allocate(size_t bytes) override {
    ++heap_requests;
    return own_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override {
    return own_->raw_deleter();
  }
  void copy_data(void* to, const void* from, size_t count) const override {
    own_->copy_data(to, from, count);
  }

 private:
  c10::Allocator* own_;
};

template <typename Action>
int64_t count_requests(Action&& action) {
  c10::Allocator* own = c10::GetCPUAllocator();
  CountingAllocator counting(own);
  c10::SetCPUAllocator(&counting, /*priority=*/100);
  const int64_t before = heap_requests;
  action();
  const int64_t count = heap_requests - before;
  c10::SetCPUAllocator(own, /*priority=*/100);
  return count;
}

class Allocations : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::is_address_sanitized()) {
      GTEST_SKIP() << "a sanitizer asks for memory, too";
    }
  }
};

JointTraining joint_of(const testing::RouteJob& job, FixedBatch fixed) {
  return JointTraining(
      job.model(),
      torch::optim::SGDOptions(0.01).momentum(0.5),
      JointTrainingOptions().fixed_batch(fixed));
}

// More steps must not cost more requests.
template <typename Training>
void expect_none_per_step(Training& training, const Batch& batch) {
  training.run(batch, 4);
  const auto few = count_requests([&] { training.run(batch, 20); });
  const auto many = count_requests([&] { training.run(batch, 120); });
  EXPECT_GT(few, 0);
  EXPECT_EQ(many, few);
}

TEST_F(Allocations, AreCounted) {
  EXPECT_GE(count_requests([] { torch::empty({4}); }), 2);
}

TEST_F(Allocations, DoNotGrowWithTheStepsOfARun) {
  for (const auto& job : testing::route_jobs()) {
    if (job.allocates) {
      continue;
    }
    SCOPED_TRACE(job.name);
    const Batch batch = job.batch(torch::kFloat);
    JointTraining joint = joint_of(job, FixedBatch::kResidual);
    expect_none_per_step(joint, batch);
    if (job.route == Route::kLinearProgram) {
      JointTraining by_modes = joint_of(job, FixedBatch::kNormalEquations);
      expect_none_per_step(by_modes, batch);
    }
  }
}

TEST_F(Allocations, DoNotGrowWithTheStepsOfAnAlternatingRun) {
  const testing::OriginalJob job(1);
  for (const auto fixed :
       {FixedBatch::kNormalEquations, FixedBatch::kResidual}) {
    AlternatingTraining alternating(
        job.model(),
        torch::optim::SGDOptions(0.1),
        AlternatingTrainingOptions().fixed_batch(fixed));
    expect_none_per_step(alternating, job.batch());
  }
}

TEST_F(Allocations, AreNoneInTheOutputsOfKnownLayers) {
  std::vector<std::string> kinds = testing::known_mixture_kinds();
  std::erase_if(kinds, testing::has_graph_gates);
  kinds.push_back("trunk");
  for (const auto& kind : kinds) {
    auto model = testing::expert_model(kind == "trunk" ? "mmoe" : kind);
    if (kind == "trunk") {
      model->replace_sharing(
          torch::nn::Sequential(torch::nn::Linear(6, 8), torch::nn::ReLU()));
    }
    const Inputs input = torch::randn({1, 6});
    Predictor predictor(model);
    const auto predict_twice = [&] {
      predictor.predict(input);
      predictor.predict(input);
    };
    predict_twice();
    EXPECT_EQ(predictor.route().route, Route::kTrunkProgram) << kind;
    EXPECT_EQ(count_requests(predict_twice), 0) << kind;
  }
}

} // namespace
} // namespace polytask
