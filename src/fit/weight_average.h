// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>
#include <polytask/fit/callback.h>
#include <polytask/model/multi_task_model.h>

#include <exception>
#include <utility>
#include <vector>

namespace polytask::fit::detail {

/// An exponential moving average of a model's parameters:
/// average = decay * average + (1 - decay) * weights, after each step. Of half
/// precision it is kept in single, where small changes are not lost. A
/// parameter that is new or of another shape begins its average anew.
class WeightAverage : public Callback {
 public:
  WeightAverage(MultiTaskModel model, double decay);

  void on_fit_begin(Fit& fit) override;
  void on_epoch_begin(Fit& fit) override;
  void on_step_end(Fit& fit, const StepReport& report) override;

  /// Puts the averages into the model, for good.
  void give();
  /// The same until `take_back`, which puts the model's weights back.
  void lend();
  void take_back();
  bool is_lent() const {
    return !lent_to_.empty();
  }

  std::string name() const override {
    return "weight average";
  }
  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  /// After the model has got other parameters.
  void follow_model();
  /// After parameters have got another type or device.
  void follow_types();

  MultiTaskModel model_;
  double decay_;
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> averages_;
  /// The model's weights while the averages are in their place.
  std::vector<at::Tensor> lent_to_;
  /// Whether averages and weights are alike in it.
  bool is_single_type_ = true;
  bool has_begun_ = false;
};

/// As long as it lives, the model has the averages, where there are any.
class WithAverage {
 public:
  explicit WithAverage(WeightAverage* average) : average_(average) {
    if (average_) {
      average_->lend();
    }
  }
  ~WithAverage() {
    try {
      end();
    } catch (const std::exception& error) {
      TORCH_WARN("Fit: cannot put the weights back: ", error.what());
    }
  }
  WithAverage(const WithAverage&) = delete;
  WithAverage& operator=(const WithAverage&) = delete;

  void end() {
    if (auto* average = std::exchange(average_, nullptr)) {
      average->take_back();
    }
  }

 private:
  WeightAverage* average_;
};

} // namespace polytask::fit::detail
