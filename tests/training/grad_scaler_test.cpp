// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using optim::GradScaler;
using optim::GradScalerOptions;
using testing::error_of;
using ::testing::HasSubstr;
using testing::snapshot;
using torch::nn::Linear;

struct ScaledWay {
  std::string name;
  std::string method; // none where it is empty
  Route route = Route::kAuto;
  bool alternates = false;
  bool clips = false;
  bool accumulates = false;
  HeadGradients heads = HeadGradients::kAsMethod;
};

MultiTaskModel scaled_model(torch::Dtype dtype) {
  torch::manual_seed(1);
  const torch::nn::Sequential trunk(
      Linear(3, 6), torch::nn::Tanh(), Linear(6, 5), torch::nn::Tanh());
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(5, 1));
  model->add_task("b", Task(Linear(5, 2), HuberLoss(1e5)).weight(0.3));
  const torch::nn::Sequential deep(
      Linear(5, 4), torch::nn::Tanh(), Linear(4, 1));
  model->add_task("c", Task(deep, MSELoss()));
  model->to(dtype);
  return model;
}

Batch scaled_batch(torch::Dtype dtype, double size = 1) {
  torch::manual_seed(2);
  const auto noise = [&](int64_t width) {
    return (torch::randn({12, width}, torch::kDouble) * size).to(dtype);
  };
  return Batch(noise(3), {{"a", noise(1)}, {"b", noise(2)}, {"c", noise(1)}});
}

std::unique_ptr<Training> scaled_training(
    const ScaledWay& way,
    const MultiTaskModel& model,
    const std::shared_ptr<GradScaler>& scaler) {
  const torch::optim::AdamOptions adam(0.01);
  const Clipping clipping = way.clips ? Clipping::by_norm(0.1) : Clipping();
  if (way.alternates) {
    return std::make_unique<AlternatingTraining>(
        model,
        adam,
        AlternatingTrainingOptions()
            .route(way.route)
            .clipping(clipping)
            .grad_scaler(scaler)
            .seed(3));
  }
  auto options =
      JointTrainingOptions().route(way.route).clipping(clipping).grad_scaler(
          scaler);
  if (!way.method.empty()) {
    options.balancing(balancing::make(way.method)).head_gradients(way.heads);
  }
  return std::make_unique<JointTraining>(model, adam, options);
}

class ScaledTraining : public ::testing::TestWithParam<ScaledWay> {
 protected:
  static StepReport step(Training& training, const Batch& batch) {
    return GetParam().accumulates ? training.step_accumulated({batch, batch})
                                  : training.step(batch);
  }
};

// Scales are powers of two, so nothing is rounded otherwise.
TEST_P(ScaledTraining, EqualsOneWithoutAScale) {
  const MultiTaskModel plain = scaled_model(torch::kDouble);
  const MultiTaskModel scaled = scaled_model(torch::kDouble);
  const auto scaler = std::make_shared<GradScaler>(
      GradScalerOptions().init_scale(1024).growth_interval(3));
  const auto without = scaled_training(GetParam(), plain, nullptr);
  const auto with = scaled_training(GetParam(), scaled, scaler);
  const Batch batch = scaled_batch(torch::kDouble);
  for (int i = 0; i < 8; ++i) {
    torch::manual_seed(i); // what random methods draw
    const StepReport left = step(*without, batch);
    torch::manual_seed(i);
    const StepReport right = step(*with, batch);
    EXPECT_TRUE(torch::allclose(left.losses, right.losses, 1e-12, 1e-14));
    EXPECT_TRUE(torch::allclose(left.weights, right.weights, 1e-9, 1e-12));
    if (left.gradients) {
      EXPECT_TRUE(torch::allclose(
          left.gradients->gramian, right.gradients->gramian, 1e-12));
    }
  }
  EXPECT_EQ(scaler->get_scale(), 4096);
  EXPECT_EQ(scaler->get_growth_tracker(), 2);
  EXPECT_EQ(with->route().route, without->route().route);
  const auto expected = snapshot(plain);
  const auto found = snapshot(scaled);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(torch::allclose(found[i], expected[i], 1e-9, 1e-12));
  }
}

TEST_P(ScaledTraining, LeavesOutUpdatesThatOverflow) {
  const MultiTaskModel model = scaled_model(torch::kFloat);
  const auto scaler =
      std::make_shared<GradScaler>(GradScalerOptions()
                                       .init_scale(std::ldexp(1.0, 126))
                                       .backoff_factor(std::ldexp(1.0, -20)));
  const auto training = scaled_training(GetParam(), model, scaler);
  const Batch batch = scaled_batch(torch::kFloat, 1e4);
  const auto before = snapshot(model);
  step(*training, batch);
  EXPECT_TRUE(testing::same_bits(before, snapshot(model)));
  EXPECT_EQ(scaler->get_scale(), std::ldexp(1.0, 106));
  for (int i = 0; i < 12; ++i) {
    step(*training, batch);
  }
  EXPECT_FALSE(testing::same_bits(before, snapshot(model)));
  for (const auto& parameter : snapshot(model)) {
    EXPECT_TRUE(parameter.isfinite().all().item<bool>());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways,
    ScaledTraining,
    ::testing::Values(
        ScaledWay{"Plain", ""},
        ScaledWay{"Stacked", "", Route::kStackedHeads},
        ScaledWay{"Layers", "", Route::kLayers},
        ScaledWay{"Autograd", "", Route::kAutograd},
        ScaledWay{"Clipped", "", Route::kAuto, false, true},
        ScaledWay{"Accumulated", "", Route::kAuto, false, false, true},
        ScaledWay{"Alternating", "", Route::kAuto, true},
        ScaledWay{"AlternatingAutograd", "", Route::kAutograd, true},
        ScaledWay{"Uw", "uw"},
        ScaledWay{"UwAutograd", "uw", Route::kAutograd},
        ScaledWay{"UPGrad", "upgrad"},
        ScaledWay{"UPGradAutograd", "upgrad", Route::kAutograd},
        ScaledWay{
            "UPGradWeightedHeads",
            "upgrad",
            Route::kAuto,
            false,
            false,
            false,
            HeadGradients::kWeighted},
        ScaledWay{
            "UPGradAccumulated", "upgrad", Route::kAuto, false, true, true},
        ScaledWay{"GradDrop", "graddrop"},
        ScaledWay{"GradDropAutograd", "graddrop", Route::kAutograd}),
    [](const auto& each) { return each.param.name; });

TEST(GradScalerOfATraining, GoesOnWithTheTraining) {
  const ScaledWay way{"Plain", ""};
  const Batch batch = scaled_batch(torch::kFloat);
  const auto options = GradScalerOptions().init_scale(64).growth_interval(5);
  const auto whole_scaler = std::make_shared<GradScaler>(options);
  const MultiTaskModel model = scaled_model(torch::kFloat);
  const auto whole = scaled_training(way, model, whole_scaler);
  for (int i = 0; i < 7; ++i) {
    whole->step(batch);
  }
  std::stringstream stream;
  torch::serialize::OutputArchive out;
  whole->save(out);
  out.save_to(stream);
  const auto other_scaler = std::make_shared<GradScaler>(options);
  const auto other =
      scaled_training(way, testing::twin_of(model), other_scaler);
  torch::serialize::InputArchive in;
  in.load_from(stream);
  other->load(in);
  EXPECT_EQ(other_scaler->get_scale(), 128);
  EXPECT_EQ(other_scaler->get_growth_tracker(), 2);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(
        torch::equal(whole->step(batch).losses, other->step(batch).losses));
  }
  EXPECT_EQ(other_scaler->get_scale(), whole_scaler->get_scale());
  const auto without = scaled_training(way, testing::twin_of(model), nullptr);
  EXPECT_THAT(
      error_of([&] { without->load_state(whole->state()); }),
      HasSubstr("has the scale of a grad_scaler"));
}

TEST(GradScalerOfATraining, IsRefusedWithBilevelMethods) {
  EXPECT_THAT(
      error_of([] {
        scaled_training(
            {"MOML", "moml"},
            scaled_model(torch::kFloat),
            std::make_shared<GradScaler>());
      }),
      HasSubstr("which a grad_scaler cannot scale"));
}

TEST(GradScalerOfATraining, LeavesGradientsScaledUntilTheUpdate) {
  const auto scaler =
      std::make_shared<GradScaler>(GradScalerOptions().init_scale(8));
  const MultiTaskModel plain = scaled_model(torch::kDouble);
  const MultiTaskModel scaled = scaled_model(torch::kDouble);
  const auto without = scaled_training({"Plain", ""}, plain, nullptr);
  const auto with = scaled_training({"Plain", ""}, scaled, scaler);
  const Batch batch = scaled_batch(torch::kDouble);
  for (const auto& training : {without.get(), with.get()}) {
    training->zero_grad();
    training->backward(batch);
  }
  const auto expected = plain->unique_parameters();
  const auto found = scaled->unique_parameters();
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(torch::equal(found[i].grad(), 8 * expected[i].grad()));
  }
}

TEST(GradScalerOfATraining, MayHaveUnscaledTheGradientsBeforeTheUpdate) {
  for (const bool clips : {false, true}) {
    const ScaledWay way{"Plain", "", Route::kAuto, false, clips};
    const auto scaler = std::make_shared<GradScaler>();
    const MultiTaskModel plain = scaled_model(torch::kDouble);
    const MultiTaskModel scaled = scaled_model(torch::kDouble);
    const auto without = scaled_training(way, plain, nullptr);
    const auto with = scaled_training(way, scaled, scaler);
    const Batch batch = scaled_batch(torch::kDouble);
    without->step(batch);
    with->zero_grad();
    with->backward(batch);
    scaler->unscale_(with->optimizer());
    with->update();
    EXPECT_TRUE(testing::same_bits(snapshot(plain), snapshot(scaled)));
    with->step(batch);
  }
}

TEST(UpdateOfATraining, NeedsNoGradientsToBeSwitchedOn) {
  const MultiTaskModel model = scaled_model(torch::kFloat);
  const auto training = scaled_training({"Plain", ""}, model, nullptr);
  training->zero_grad();
  training->backward(scaled_batch(torch::kFloat));
  const auto before = snapshot(model);
  const at::NoGradGuard guard;
  training->update();
  EXPECT_FALSE(testing::same_bits(before, snapshot(model)));
}

TEST(LoadedState, LetsTheNextBackwardBegin) {
  const auto training =
      scaled_training({"DWA", "dwa"}, scaled_model(torch::kFloat), nullptr);
  const Batch batch = scaled_batch(torch::kFloat);
  const TrainingState state = training->state();
  training->backward(batch);
  training->load_state(state);
  training->zero_grad();
  training->backward(batch);
  training->load_state(state);
  EXPECT_EQ(error_of([&] { training->backward(batch); }), "");
}

} // namespace
} // namespace polytask
