// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/errors.h"

// The loss that a sharing has by itself, and what it is told of steps.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using torch::optim::SGDOptions;

// A linear trunk that weighs the square of its weights, of the forward before
// (so that it has a graph of its own); and counts what it is told.
class WeighedTrunk : public Sharing {
 public:
  WeighedTrunk()
      : Sharing("WeighedTrunk"),
        layer(register_module("layer", torch::nn::Linear(3, 4))),
        steps(register_buffer("steps", torch::zeros({}, torch::kLong))) {}

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override {
    return std::vector<torch::Tensor>(
        static_cast<size_t>(tasks), features_of(input, 0));
  }
  torch::Tensor features_of(
      const torch::Tensor& input, int64_t /*task*/) override {
    penalty_ = layer->weight.square().sum() * factor;
    return layer(input);
  }
  torch::Tensor own_loss(c10::ArrayRef<int64_t> tasks) override {
    asked_for = tasks.vec();
    return std::exchange(penalty_, {});
  }
  void begin_step() override {
    steps.add_(1);
  }
  void end_epoch() override {
    ++epochs;
  }

  double factor = 0.5;
  torch::nn::Linear layer;
  torch::Tensor steps;
  int64_t epochs = 0;
  std::vector<int64_t> asked_for;

 private:
  torch::Tensor penalty_;
};

struct OwnLossJob {
  OwnLossJob() {
    torch::manual_seed(4);
    sharing = std::make_shared<WeighedTrunk>();
    model = MultiTaskModel(std::static_pointer_cast<Sharing>(sharing));
    model->add_task("a", Task(torch::nn::Linear(4, 1), MSELoss()));
    model->add_task("b", Task(torch::nn::Linear(4, 1), MSELoss()));
    model->to(torch::kDouble);
    x = torch::randn({6, 3}, torch::kDouble);
    y = torch::randn({6, 2}, torch::kDouble);
  }
  Batch batch(int64_t begin = 0, int64_t end = 6) const {
    return Batch(
        x.slice(0, begin, end),
        {{"a", y.slice(0, begin, end).narrow(1, 0, 1)},
         {"b", y.slice(0, begin, end).narrow(1, 1, 1)}});
  }
  const torch::Tensor& weight() const {
    return sharing->layer->weight;
  }

  std::shared_ptr<WeighedTrunk> sharing;
  MultiTaskModel model{nullptr};
  torch::Tensor x;
  torch::Tensor y;
};

// The gradient of the trunk's weight with the penalty, less that without it:
// the weight, for 0.5 |W|².
double distance_from_penalty(const std::string& method, HeadGradients heads) {
  std::vector<torch::Tensor> gradients;
  torch::Tensor weight;
  for (const double factor : {0.5, 0.0}) {
    OwnLossJob job;
    job.sharing->factor = factor;
    JointTrainingOptions options;
    if (!method.empty()) {
      options.balancing(balancing::make(method)).head_gradients(heads);
    }
    JointTraining joint(job.model, SGDOptions(0.1), options);
    weight = job.weight().detach().clone();
    const auto report = joint.step(job.batch());
    EXPECT_NEAR(
        report.sharing_loss.item<double>(),
        factor * weight.square().sum().item<double>(),
        1e-12);
    gradients.push_back(job.weight().grad().clone());
  }
  return (gradients[0] - gradients[1] - weight).abs().max().item<double>();
}

TEST(OwnLoss, IsAddedToTheLossesWhateverWeighsThem) {
  for (const char* method :
       {"", "uw", "pcgrad", "upgrad", "mgda", "graddrop", "nash_mtl"}) {
    EXPECT_LT(distance_from_penalty(method, HeadGradients::kAsMethod), 1e-12)
        << method;
  }
}

TEST(OwnLoss, IsAddedInAlternatingStepsToo) {
  OwnLossJob job;
  AlternatingTraining training(job.model, SGDOptions(0.1));
  const torch::Tensor weight = job.weight().detach().clone();
  const auto report = training.step(job.batch());
  const int64_t task = report.task == "a" ? 0 : 1;
  EXPECT_EQ(job.sharing->asked_for, std::vector<int64_t>{task});
  const auto loss = job.model->task(task).loss()(
      job.model->task(task).head().forward(
          torch::addmm(job.sharing->layer->bias, job.x, weight.t())),
      Labels(job.y.narrow(1, task, 1)));
  EXPECT_TRUE(report.sharing_loss.defined());
  EXPECT_TRUE(loss.defined());
  OwnLossJob plain;
  plain.sharing->factor = 0;
  AlternatingTraining other(plain.model, SGDOptions(0.1));
  other.step(plain.batch());
  EXPECT_TRUE(job.weight().grad().allclose(
      plain.weight().grad() + weight, 1e-12, 1e-12));
}

TEST(OwnLoss, OfManyBatchesIsThatOfOneStep) {
  for (const char* method : {"", "uw", "pcgrad", "mgda"}) {
    std::vector<torch::Tensor> gradients;
    std::vector<double> losses;
    for (const bool apart : {false, true}) {
      OwnLossJob job;
      JointTrainingOptions options;
      if (method[0] != 0) {
        options.balancing(balancing::make(method));
      }
      JointTraining joint(job.model, SGDOptions(0.1), options);
      const auto report = apart
          ? joint.step_accumulated({job.batch(0, 2), job.batch(2, 6)})
          : joint.step(job.batch());
      losses.push_back(report.sharing_loss.item<double>());
      gradients.push_back(job.weight().grad().clone());
    }
    EXPECT_NEAR(losses[0], losses[1], 1e-12) << method;
    EXPECT_TRUE(gradients[0].allclose(gradients[1], 1e-10, 1e-12)) << method;
  }
}

TEST(OwnLoss, OfAStepOfSeveralBatchesIsTheirMean) {
  std::vector<torch::Tensor> gradients;
  torch::Tensor weight;
  for (const double factor : {0.5, 0.0}) {
    OwnLossJob job;
    job.sharing->factor = factor;
    JointTraining joint(
        job.model,
        SGDOptions(0.1),
        JointTrainingOptions().balancing(balancing::make("modo")));
    weight = job.weight().detach().clone();
    const std::vector<Batch> batches(
        static_cast<size_t>(joint.balancing()->batches()), job.batch());
    ASSERT_GT(batches.size(), 1);
    const auto report = joint.step(batches);
    EXPECT_NEAR(
        report.sharing_loss.item<double>(),
        factor * weight.square().sum().item<double>(),
        1e-12);
    gradients.push_back(job.weight().grad().clone());
  }
  EXPECT_TRUE((gradients[0] - gradients[1]).allclose(weight, 1e-10, 1e-12));
}

TEST(OwnLoss, ComesWithABackwardOnce) {
  OwnLossJob job;
  JointTraining joint(job.model, SGDOptions(0.1));
  joint.zero_grad();
  joint.backward(job.batch());
  const torch::Tensor once = job.weight().grad().clone();
  OwnLossJob other;
  JointTraining step(other.model, SGDOptions(0.1));
  step.step(other.batch());
  EXPECT_TRUE(once.allclose(other.weight().grad(), 1e-12, 1e-12));
}

TEST(OwnLoss, ThatIsNotFiniteMovesNothing) {
  for (const char* method : {"", "pcgrad"}) {
    OwnLossJob job;
    job.sharing->factor = std::numeric_limits<double>::infinity();
    JointTrainingOptions options;
    if (method[0] != 0) {
      options.balancing(balancing::make(method));
    }
    JointTraining joint(job.model, SGDOptions(0.1), options);
    const torch::Tensor before = job.weight().detach().clone();
    EXPECT_THAT(
        error_of([&] { joint.step(job.batch()); }),
        HasSubstr("Sharing 'WeighedTrunk': its own loss is inf"));
    EXPECT_TRUE(job.weight().equal(before));
    EXPECT_EQ(joint.steps(), 0);
    EXPECT_EQ(job.sharing->steps.item<int64_t>(), 0) << "put back";
  }
}

TEST(OwnLoss, HasNoPlaceInBilevelMethods) {
  OwnLossJob job;
  JointTraining joint(
      job.model,
      SGDOptions(0.1),
      JointTrainingOptions().balancing(balancing::make("auto_lambda")));
  EXPECT_THAT(
      error_of([&] {
        joint.step(
            std::vector<Batch>{job.batch(0, 3), job.batch(3, 6), job.batch()});
      }),
      HasSubstr("the sharing 'WeighedTrunk' has a loss of its own, for which "
                "the balancing"));
}

TEST(Sharing, IsToldOfEachStepOnceAndOfEachEpoch) {
  OwnLossJob job;
  JointTraining joint(job.model, SGDOptions(0.01));
  joint.step(job.batch());
  joint.run(job.batch(), 5);
  joint.step_accumulated({job.batch(0, 3), job.batch(3, 6)});
  joint.zero_grad();
  joint.backward(job.batch());
  joint.update();
  joint.end_epoch();
  EXPECT_EQ(job.sharing->steps.item<int64_t>(), 8);
  EXPECT_EQ(job.sharing->epochs, 1);
}

TEST(Sharing, LearnsItsTasksFromTheModel) {
  OwnLossJob job;
  EXPECT_EQ(job.sharing->tasks(), job.model->task_names());
  auto other = std::make_shared<WeighedTrunk>();
  job.model->replace_sharing(std::static_pointer_cast<Sharing>(other));
  EXPECT_EQ(other->tasks(), job.model->task_names());
  MultiTaskModel strange;
  strange->add_task("c", LinearTask(3, 1));
  EXPECT_THAT(
      error_of([&] {
        strange->replace_sharing(std::static_pointer_cast<Sharing>(other));
      }),
      HasSubstr("it serves the tasks 'a', 'b', but should now serve 'c'"));
}

} // namespace
} // namespace polytask
