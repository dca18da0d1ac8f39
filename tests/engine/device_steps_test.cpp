// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/stand_in_device.h"

// Whole steps on a device, with every method: equal to the host's, and how
// often they wait for the device.

namespace polytask {
namespace {

using testing::StandInDevice;

MultiTaskModel device_model() {
  torch::manual_seed(1);
  torch::nn::Sequential trunk(
      torch::nn::Linear(6, 16),
      torch::nn::Tanh(),
      torch::nn::Linear(16, 8),
      torch::nn::ReLU());
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", Task(torch::nn::Linear(8, 1), MSELoss()));
  model->add_task("b", Task(torch::nn::Linear(8, 3), CrossEntropyLoss()));
  model->add_task("c", Task(torch::nn::Linear(8, 1), HuberLoss()));
  return model;
}

Batch device_batch() {
  torch::manual_seed(2);
  auto missing = torch::randn({32, 1});
  missing.slice(0, 3, 9).fill_(std::nan(""));
  return Batch(
      torch::randn({32, 6}),
      {{"a", missing},
       {"b", torch::randint(3, {32})},
       {"c", torch::randn({32, 1})}});
}

/// A method by its name, with what it needs; null where a step of a model
/// alone is not enough for it.
std::unique_ptr<balancing::Balancing> device_method(const std::string& name) {
  balancing::OptionValues options;
  if (name.find("constant") != std::string::npos) {
    options = {{"weights", std::vector<double>{1, 2, 0.5}}};
  } else if (name.find("cosmos") != std::string::npos) {
    options = {{"lambda", 1}, {"weights", std::vector<double>{0.3, 0.3, 0.4}}};
  } else if (name.starts_with("sdmgrad")) {
    // By its own rate of 10 its weights change by up to 0.8 for a rounding of
    // the gradients, on the host as well.
    options = {{"lr", 0.1}};
  }
  try {
    auto method = balancing::make(name, options);
    return method->wants_representation() ? nullptr : std::move(method);
  } catch (const c10::ValueError&) {
    return nullptr;
  }
}

std::vector<std::string> device_method_names() {
  std::vector<std::string> names;
  for (const auto& name : balancing::names()) {
    if (device_method(name)) {
      names.push_back(name);
    }
  }
  return names;
}

/// One step more of a training.
StepReport device_step(JointTraining& joint, const Batch& batch) {
  const auto* method = joint.balancing();
  if (method != nullptr && method->batches() > 1) {
    return joint.step(
        std::vector<Batch>(static_cast<size_t>(method->batches()), batch));
  }
  return joint.step(batch);
}

/// The parameters after four steps.
std::vector<torch::Tensor> parameters_after_steps(
    const std::string& name,
    const torch::optim::OptimizerOptions& optimizer,
    const torch::Device& device) {
  auto model = device_model();
  model->to(device);
  const auto batch = device_batch().to(device);
  JointTraining joint(
      model, optimizer, JointTrainingOptions().balancing(device_method(name)));
  for (int i = 0; i < 4; ++i) {
    device_step(joint, batch);
  }
  std::vector<torch::Tensor> parameters;
  for (const auto& parameter : model->parameters()) {
    parameters.push_back(parameter.detach().cpu());
  }
  return parameters;
}

class StepsOnDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) {
      GTEST_SKIP() << "no CUDA device";
    }
  }
  static void expect_alike(const torch::optim::OptimizerOptions& optimizer) {
    const auto here =
        parameters_after_steps(GetParam(), optimizer, torch::kCPU);
    const auto there =
        parameters_after_steps(GetParam(), optimizer, torch::kCUDA);
    for (size_t i = 0; i < here.size(); ++i) {
      EXPECT_TRUE(torch::allclose(there[i], here[i], 1e-4, 1e-4))
          << (there[i] - here[i]).abs().max();
    }
  }
};

TEST_P(StepsOnDevice, OfSGDEqualTheHosts) {
  expect_alike(torch::optim::SGDOptions(0.05).momentum(0.9));
}

TEST_P(StepsOnDevice, OfAdamWEqualTheHosts) {
  expect_alike(torch::optim::AdamWOptions(1e-2));
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    StepsOnDevice,
    ::testing::ValuesIn(device_method_names()),
    [](const auto& each) { return each.param; });

/// How often a settled step copies from the device to the host.
int64_t copies_of(const std::string& name) {
  auto model = device_model();
  model->to(torch::kCUDA);
  const auto batch = device_batch().to(torch::kCUDA);
  JointTrainingOptions options;
  if (name != "joint") {
    options.balancing(device_method(name));
  }
  JointTraining joint(model, torch::optim::SGDOptions(0.05), options);
  device_step(joint, batch);
  device_step(joint, batch);
  StandInDevice::take_copies_to_host();
  device_step(joint, batch);
  return StandInDevice::take_copies_to_host();
}

/// The rows `| name | copies | ...` of docs/devices.md.
std::map<std::string, int64_t> documented_copies() {
  std::ifstream page(POLYTASK_SOURCE_DIR "/docs/devices.md");
  std::map<std::string, int64_t> copies;
  for (std::string line; std::getline(page, line);) {
    std::istringstream cells(line);
    std::string bar, name;
    int64_t count = 0;
    if (!(cells >> bar) || bar != "|") {
      continue;
    }
    std::vector<std::string> names;
    while (cells >> name && name != "|") {
      name.erase(
          std::remove_if(
              name.begin(),
              name.end(),
              [](char c) { return c == '`' || c == ','; }),
          name.end());
      names.push_back(name);
    }
    if (cells >> count) {
      for (const auto& each : names) {
        copies[each] = count;
      }
    }
  }
  return copies;
}

class CopiesToHost : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!StandInDevice::is_registered()) {
      GTEST_SKIP() << "copies are counted on the stand-in device";
    }
    if (!StandInDevice::has_float64()) {
      GTEST_SKIP() << "without float64, rows go to the host";
    }
  }
};

TEST_F(CopiesToHost, AreAsManyAsDocumented) {
  const auto documented = documented_copies();
  auto names = device_method_names();
  names.push_back("joint");
  std::ostringstream table;
  for (const auto& name : names) {
    const auto found = documented.find(name);
    const int64_t copies = copies_of(name);
    table << copies << ' ' << name << '\n';
    EXPECT_TRUE(found != documented.end() && found->second == copies)
        << name << ": " << copies;
  }
  RecordProperty("table", table.str());
}

TEST_F(CopiesToHost, AreNoneInAlternatingSteps) {
  auto model = device_model();
  model->to(torch::kCUDA);
  const auto batch = device_batch().to(torch::kCUDA);
  AlternatingTraining alternating(model, torch::optim::AdamWOptions(1e-2));
  alternating.step(batch);
  StandInDevice::take_copies_to_host();
  alternating.run(batch, 5);
  EXPECT_EQ(StandInDevice::take_copies_to_host(), 0);
}

} // namespace
} // namespace polytask
