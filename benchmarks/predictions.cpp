// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "predictions.h"

#include <polytask/engine/predictor.h>
#include <torch/utils.h>

#include "mixtures.h"

namespace polytask::benchmarks {

namespace {

// By the model's forward, or by a Predictor.
class Prediction : public TensorContender {
 public:
  Prediction(const Problem& problem, int64_t rows, bool is_by_predictor)
      : input_(problem.input.narrow(0, 0, rows).clone()),
        model_(mixture_model(MixtureKind::kMMoE)),
        is_by_predictor_(is_by_predictor),
        predictor_(model_) {
    start_from(model_->unique_parameters(), problem.start);
  }

  void run(int64_t steps) override {
    const torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < steps; ++i) {
      if (is_by_predictor_) {
        predictor_.predict(input_);
      } else {
        model_->forward(input_);
      }
    }
  }

 private:
  Inputs input_;
  MultiTaskModel model_;
  bool is_by_predictor_;
  Predictor predictor_;
};

} // namespace

void add_predictions(Entries& entries) {
  const LazyProblem lazy(
      [] { return mixture_problem(mixture_model(MixtureKind::kMMoE)); });
  for (const int64_t rows : {int64_t{1}, int64_t{1024}}) {
    const std::string job =
        rows == 1 ? "MMoE, outputs of a row" : "MMoE, outputs";
    for (const bool is_by_predictor : {false, true}) {
      entries.push_back(
          {job,
           is_by_predictor ? "predictor" : "loop",
           rows == 1 ? 1000 : 20,
           [=] {
             return std::make_unique<Prediction>(
                 lazy.get(), rows, is_by_predictor);
           }});
    }
  }
}

} // namespace polytask::benchmarks
