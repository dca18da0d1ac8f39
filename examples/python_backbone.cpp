// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// A backbone that Python exported is trained for two tasks and goes back: see
// python_backbone.py, which makes it, calls this and opens what it wrote.
//
//     python_backbone BACKBONE.pt2 TRAINED.pt2 HEADS.safetensors

#include <polytask/polytask.h>

#include <cstdio>
#include <exception>
#include <iostream>

namespace {

// Images of one bright spot: where it is, and whether it is large.
polytask::data::Dataset make_spots(int64_t count) {
  const auto place = torch::rand({count, 2}) * 10 + 3;
  const auto is_large = torch::rand({count, 1}) > 0.5;
  const auto width = torch::where(is_large, 8.0, 2.0).unsqueeze(2);
  const auto pixels = torch::arange(16, torch::kFloat);
  const auto rows = (pixels.view({1, 16, 1}) - place.narrow(1, 0, 1).unsqueeze(2)).square();
  const auto columns = (pixels.view({1, 1, 16}) - place.narrow(1, 1, 1).unsqueeze(2)).square();
  const auto images = torch::exp(-(rows + columns) / width) + 0.1 * torch::randn({count, 16, 16});
  return {images.unsqueeze(1), {{"place", place / 10}, {"large", is_large.to(torch::kFloat)}}};
}

void train(const char* backbone, const char* trained, const char* heads) {
  torch::manual_seed(1);
  const auto spots = make_spots(1000), others = make_spots(500);

  polytask::io::ExportedProgram trunk(backbone);
  trunk->eval(); // in training mode, a forward would move its batch norms' statistics
  const int64_t features = trunk->forward(others.batch().input().narrow(0, 0, 1)).size(1);
  trunk->train();
  polytask::MultiTaskModel model{polytask::HardSharing(trunk)};
  model->add_task("place",
      polytask::Task(torch::nn::Linear(features, 2), polytask::MSELoss()).metric(polytask::R2()));
  model->add_task("large",
      polytask::Task(torch::nn::Linear(features, 1), polytask::BCEWithLogitsLoss())
          .metric(polytask::Accuracy()));

  polytask::JointTraining joint(model, torch::optim::AdamOptions(3e-3),
      polytask::JointTrainingOptions().balancing(polytask::balancing::make("upgrad")));
  polytask::data::Loader loader(spots, polytask::data::LoaderOptions().batch_size(50));
  polytask::fit::Fit(joint, loader,
      polytask::fit::FitOptions().epochs(8).progress(polytask::fit::ProgressKind::kSilent))
      .run();
  std::cout << polytask::fit::evaluate(model, others);

  trunk->save(trained);
  polytask::io::save_weights(*model, heads);
}

} // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::cerr << "python_backbone BACKBONE.pt2 TRAINED.pt2 HEADS.safetensors\n";
    return 2;
  }
  try {
    train(words[1], words[2], words[3]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
