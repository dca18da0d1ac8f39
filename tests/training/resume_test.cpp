// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/core/random_state.h>
#include <polytask/data/multi_loader.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/temperature.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/serialize.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/networks.h"

// 20 steps = 7 + save + a new process + load + 13, to the last bit: dropout,
// Adam, PCGrad, alternating with a temperature sampler, two data sets.

namespace polytask {
namespace {

using testing::same_bits;
using testing::snapshot;

constexpr auto kFolder = "POLYTASK_RESUME_FOLDER";

// Both strategies in turn on one model.
class Job {
 public:
  Job() : loader_(make_loader()) {
    torch::manual_seed(5);
    torch::nn::Sequential trunk(
        torch::nn::Linear(6, 16), torch::nn::Dropout(0.3));
    model = MultiTaskModel{HardSharing(trunk)};
    model->add_task("near", LinearTask(16, 1));
    model->add_task("far", LinearTask(16, 1));
    joint_ = std::make_unique<JointTraining>(
        model,
        torch::optim::AdamOptions(0.01),
        JointTrainingOptions().balancing(balancing::make("pcgrad")));
    const auto sizes = loader_.sizes();
    alternating_ = std::make_unique<AlternatingTraining>(
        model,
        torch::optim::AdamOptions(0.01),
        AlternatingTrainingOptions().sampler(TemperatureSampler(
            TaskNumbers(sizes.begin(), sizes.end()),
            TemperatureSamplerOptions(1).final_temperature(4).anneal_draws(
                12))));
  }

  void steps(int count) {
    for (int step = 0; step < count; ++step) {
      alternating_->step(
          [&](const std::string& task) { return loader_.next(task); });
      joint_->step(loader_.next_all());
    }
  }

  void save(const std::string& folder) const {
    torch::save(model, folder + "/model.pt");
    torch::save(*joint_, folder + "/joint.pt");
    torch::save(*alternating_, folder + "/alternating.pt");
    torch::save(RandomState::capture(), folder + "/random.pt");
    torch::save(loader_, folder + "/loader.pt");
  }

  void load(const std::string& folder) {
    torch::load(model, folder + "/model.pt");
    torch::load(*joint_, folder + "/joint.pt");
    torch::load(*alternating_, folder + "/alternating.pt");
    torch::load(loader_, folder + "/loader.pt");
    RandomState random;
    torch::load(random, folder + "/random.pt");
    random.restore();
  }

  MultiTaskModel model = nullptr;

 private:
  static data::MultiLoader make_loader() {
    torch::manual_seed(4);
    const auto near = torch::randn({40, 6});
    const auto far = torch::randn({23, 6});
    return data::MultiLoader(
        {data::Dataset(near, {{"near", near.sum(1, true)}}),
         data::Dataset(far, {{"far", far.square().sum(1, true)}})},
        data::LoaderOptions().batch_size(8).seed(3));
  }

  data::MultiLoader loader_;
  std::unique_ptr<JointTraining> joint_;
  std::unique_ptr<AlternatingTraining> alternating_;
};

// The process that goes on; the test below starts it.
TEST(Resume, DISABLED_InTheOtherProcess) {
  const char* folder = std::getenv(kFolder);
  ASSERT_NE(folder, nullptr);
  Job job;
  job.load(folder);
  job.steps(13);
  torch::save(snapshot(job.model), std::string(folder) + "/end.pt");
}

TEST(Resume, GoesOnToTheLastBitInANewProcess) {
  const std::string folder = ::testing::TempDir() + "polytask_resume";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  Job job;
  job.steps(7);
  job.save(folder);
  job.steps(13);

  ASSERT_EQ(setenv(kFolder, folder.c_str(), 1), 0);
  const std::string program = ::testing::internal::GetArgvs()[0];
  const std::string command = "\"" + program +
      "\" --gtest_also_run_disabled_tests "
      "--gtest_filter=Resume.DISABLED_InTheOtherProcess > \"" +
      folder + "/log\" 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << "see " << folder << "/log";

  std::vector<torch::Tensor> resumed;
  torch::load(resumed, folder + "/end.pt");
  EXPECT_TRUE(same_bits(snapshot(job.model), resumed));
}

} // namespace
} // namespace polytask
