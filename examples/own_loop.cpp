// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// A LibTorch program that was there before polytask: its own modules, its own
// optimizer and schedule, its own loop. Two lines of it are polytask's.

#include <polytask/polytask.h>

#include <cstdio>

namespace {

// A module of the application's own.
struct EncoderImpl : torch::nn::Module {
  EncoderImpl() {
    input = register_module("input", torch::nn::Linear(6, 32));
    hidden = register_module("hidden", torch::nn::Linear(32, 32));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::tanh(hidden(torch::tanh(input(x))));
  }
  torch::nn::Linear input{nullptr}, hidden{nullptr};
};
TORCH_MODULE(Encoder);

// Six sensor readings; a speed (one number) and a gear (one of three).
struct Sensors {
  torch::Tensor readings; // [n, 6]
  torch::Tensor speed;    // [n, 1]
  torch::Tensor gear;     // int64, [n]
};

Sensors measure(int64_t rows) {
  const auto readings = torch::randn({rows, 6});
  const auto speed = readings.narrow(1, 0, 2).sum(1, true).sin();
  const auto gear = readings.narrow(1, 2, 3).argmax(1);
  return {readings, speed, gear};
}

} // namespace

int main() {
  torch::manual_seed(1);
  Encoder encoder;
  torch::nn::Linear speed_head(32, 1);
  torch::nn::Linear gear_head(32, 3);

  polytask::MultiTaskModel model{polytask::HardSharing(encoder)};
  model->add_task("speed", polytask::Task(speed_head, polytask::HuberLoss()));
  model->add_task("gear", polytask::Task(gear_head, polytask::CrossEntropyLoss()).weight(0.5));

  torch::optim::AdamW optimizer(model->parameters(), torch::optim::AdamWOptions(3e-3));
  torch::optim::StepLR schedule(optimizer, /*step_size=*/200, /*gamma=*/0.5);
  polytask::JointTraining training(model, optimizer);

  for (int step = 1; step <= 600; ++step) {
    const Sensors now = measure(64);
    const auto report =
        training.step(polytask::Batch(now.readings, {{"speed", now.speed}, {"gear", now.gear}}));
    schedule.step();
    if (step % 200 == 0) {
      std::printf("step %d: speed %.4f, gear %.4f\n", step, report.losses[0].item<double>(),
          report.losses[1].item<double>());
    }
  }

  // The application goes on with its own modules.
  torch::NoGradGuard no_grad;
  const Sensors later = measure(2000);
  const auto features = encoder(later.readings);
  const auto right = gear_head(features).argmax(1).eq(later.gear);
  const auto error = speed_head(features) - later.speed;
  std::printf("speed error %.3f, gear right %.1f %%\n", error.abs().mean().item<double>(),
      100 * right.to(torch::kDouble).mean().item<double>());
}
