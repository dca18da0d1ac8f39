// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// What the test of files for inference has C++ do.
//
//     inference export ROWS MODEL [float | double | half]
//     inference export_ids ROWS MODEL
//     inference predict MODEL ROWS OUT

#include <polytask/data/csv.h>
#include <polytask/data/preparation.h>
#include <polytask/io/inference.h>
#include <polytask/io/safetensors.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules.h>
#include <torch/optim/adam.h>

#include <iostream>
#include <string>
#include <vector>

#include "program.h"

namespace {

polytask::data::Table rows_of(const std::string& path) {
  return polytask::data::read_csv(
      path,
      polytask::data::CsvOptions().categories({"city", "kind", "furnished"}));
}

at::ScalarType dtype_of(const std::string& name) {
  return name == "double" ? at::kDouble
      : name == "half"    ? at::kHalf
                          : at::kFloat;
}

void export_model(
    const std::string& rows, const std::string& to, const std::string& dtype) {
  namespace nn = torch::nn;
  const auto table = rows_of(rows);
  const auto preparation = polytask::data::Preparation::fit(
      table,
      polytask::data::PreparationOptions()
          .numbers({"area", "floor", "same"})
          .indicators(true)
          .clip(1.5)
          .one_hot({"city", "rooms"})
          .missing_is_category(true)
          .target("rent")
          .target_class("kind")
          .target_binary("furnished", "yes"));
  torch::manual_seed(3);
  polytask::MultiTaskModel model{nn::Sequential(
      nn::Linear(preparation.width(), 16),
      nn::BatchNorm1d(16),
      nn::GELU(nn::GELUOptions().approximate("tanh")),
      polytask::Residual(nn::Sequential(
          nn::LayerNorm(nn::LayerNormOptions({16})),
          nn::Linear(16, 16),
          nn::Tanh())),
      nn::Dropout(0.1),
      nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)))};
  model->add_task("rent", polytask::LinearTask(16, 1));
  model->add_task(
      "kind", polytask::Task(nn::Linear(16, 3), polytask::CrossEntropyLoss()));
  model->add_task(
      "furnished",
      polytask::Task(
          nn::Sequential(nn::Linear(16, 4), nn::ELU(), nn::Linear(4, 1)),
          polytask::BCEWithLogitsLoss()));
  polytask::JointTraining training(model, torch::optim::AdamOptions(0.01));
  training.run(preparation.dataset(table).batch(), 50);
  model->to(dtype_of(dtype));
  polytask::io::export_for_inference(
      model,
      preparation,
      to,
      polytask::io::ExportOptions().units({{"rent", "EUR/month"}}));
}

// Of a model whose inputs are ids alone.
void export_ids(const std::string& rows, const std::string& to) {
  namespace nn = torch::nn;
  const auto preparation = polytask::data::Preparation::fit(
      rows_of(rows),
      polytask::data::PreparationOptions()
          .ids({"city", "rooms"})
          .missing_is_category(true)
          .target("rent"));
  torch::manual_seed(3);
  polytask::MultiTaskModel model{
      nn::Sequential(nn::Embedding(20, 4), nn::Flatten())};
  model->add_task("rent", polytask::LinearTask(8, 1));
  polytask::io::export_for_inference(model, preparation, to);
}

void predict(
    const std::string& path, const std::string& rows, const std::string& to) {
  const polytask::io::InferenceModel model(path);
  polytask::io::write_safetensors(to, model.predict(rows_of(rows), 5));
}

int call(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "export_ids") {
    export_ids(words[1], words[2]);
  } else if (words.size() >= 3 && words[0] == "export") {
    export_model(words[1], words[2], words.size() > 3 ? words[3] : "float");
  } else if (words.size() == 4 && words[0] == "predict") {
    predict(words[1], words[2], words[3]);
  } else {
    std::cerr << "inference: unknown command\n";
    return 2;
  }
  return 0;
}

} // namespace

int main(int count, char** words) {
  return polytask::testing::run_program(count, words, call);
}
