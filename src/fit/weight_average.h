// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/model/multi_task_model.h>

#include <vector>

namespace polytask::fit::detail {

/// An exponential moving average of a model's parameters:
/// average = decay * average + (1 - decay) * weights, after each step.
class WeightAverage : public Callback {
 public:
  WeightAverage(MultiTaskModel model, double decay);

  void on_fit_begin(Fit& fit) override;
  void on_step_end(Fit& fit, const StepReport& report) override;

  /// Puts the average into the model, and the model's weights in its place;
  /// the second call puts both back.
  void exchange();

  std::string name() const override {
    return "weight average";
  }
  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  MultiTaskModel model_;
  double decay_;
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> averages_;
  bool has_begun_ = false;
};

/// As long as it lives, the model has the averages, where there are any.
class WithAverage {
 public:
  explicit WithAverage(WeightAverage* average) : average_(average) {
    exchange();
  }
  ~WithAverage() {
    exchange();
  }
  WithAverage(const WithAverage&) = delete;
  WithAverage& operator=(const WithAverage&) = delete;

 private:
  void exchange() {
    if (average_) {
      average_->exchange();
    }
  }

  WeightAverage* average_;
};

} // namespace polytask::fit::detail
