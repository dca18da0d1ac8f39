// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "stitches.h"

#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/experts/adatt.h>
#include <torch/nn/modules/linear.h>

#include "mixtures.h"
#include "tower_loop.h"

namespace polytask::benchmarks {

namespace {

using torch::nn::Linear;

constexpr int64_t kStitchSteps = 20;

class CrossStitchLoop : public TowerLoop {
 public:
  explicit CrossStitchLoop(const Problem& problem) : TowerLoop(problem) {
    for (size_t t = 0; t < targets_.size(); ++t) {
      first_.push_back(add_layer(64, 128));
      second_.push_back(add_layer(128, 128));
    }
    const auto tasks = problem.tasks();
    units_ = {add_parameter({tasks, tasks}), add_parameter({tasks, tasks})};
    start(problem);
  }

 private:
  static std::vector<torch::Tensor> stitched(
      const torch::Tensor& unit, const std::vector<torch::Tensor>& outputs) {
    return torch::einsum("tu,ubd->tbd", {unit, torch::stack(outputs)}).unbind();
  }

  std::vector<torch::Tensor> features() override {
    std::vector<torch::Tensor> states;
    for (auto& stage : first_) {
      states.push_back(torch::relu(stage(input_)));
    }
    states = stitched(units_[0], states);
    for (size_t t = 0; t < states.size(); ++t) {
      states[t] = torch::relu(second_[t](states[t]));
    }
    return stitched(units_[1], states);
  }

  std::vector<Linear> first_;
  std::vector<Linear> second_;
  std::vector<torch::Tensor> units_;
};

class AdaTTLoop : public TowerLoop {
 public:
  explicit AdaTTLoop(const Problem& problem) : TowerLoop(problem) {
    const size_t tasks = targets_.size();
    for (size_t e = 0; e < 2 * tasks; ++e) {
      experts_.push_back(add_layer(64, 128));
    }
    for (size_t t = 0; t < tasks; ++t) {
      gates_.push_back(add_layer(64, static_cast<int64_t>(2 * tasks)));
    }
    for (size_t t = 0; t < tasks; ++t) {
      own_weights_.push_back(add_parameter({2}));
    }
    start(problem);
  }

 private:
  std::vector<torch::Tensor> features() override {
    std::vector<torch::Tensor> outputs;
    for (auto& expert : experts_) {
      outputs.push_back(torch::relu(expert(input_)));
    }
    const torch::Tensor all = torch::stack(outputs, 1);
    std::vector<torch::Tensor> states;
    for (size_t t = 0; t < gates_.size(); ++t) {
      const auto shares = torch::softmax(gates_[t](input_), 1);
      states.push_back(
          torch::bmm(shares.unsqueeze(1), all).squeeze(1) +
          own_weights_[t][0] * outputs[2 * t] +
          own_weights_[t][1] * outputs[2 * t + 1]);
    }
    return states;
  }

  std::vector<Linear> experts_;
  std::vector<Linear> gates_;
  std::vector<torch::Tensor> own_weights_;
};

MultiTaskModel stitch_model(bool is_adatt) {
  if (is_adatt) {
    return with_towers(
        AdaTT(AdaTTOptions({ExpertLevelOptions(64, mixture_expert(64))
                                .task_experts(2)
                                .shared_experts(0)}))
            .ptr());
  }
  return with_towers(
      CrossStitch(StageFactories{mixture_expert(64), mixture_expert(128)})
          .ptr());
}

} // namespace

void add_stitches(Entries& entries) {
  for (const bool is_adatt : {false, true}) {
    const std::string job = is_adatt ? "AdaTT" : "cross-stitch";
    const LazyProblem lazy(
        [=] { return mixture_problem(stitch_model(is_adatt)); });
    const auto add = [&](const std::string& contender, auto make) {
      entries.push_back(
          {job, contender, kStitchSteps, [=] { return make(lazy.get()); }});
    };
    add("loop", [=](const Problem& problem) -> std::unique_ptr<Contender> {
      if (is_adatt) {
        return std::make_unique<AdaTTLoop>(problem);
      }
      return std::make_unique<CrossStitchLoop>(problem);
    });
    const auto training = [=](const std::string& method, Route route) {
      return [=](const Problem& problem) {
        return adam_training(problem, stitch_model(is_adatt), method, route);
      };
    };
    add("step", training("", Route::kAuto));
    add("step, autograd route", training("", Route::kAutograd));
    add("step, pcgrad", training("pcgrad", Route::kAuto));
    entries.back().reference.clear();
    add("step, pcgrad, autograd route", training("pcgrad", Route::kAutograd));
    entries.back().reference = "step, pcgrad";
  }
}

} // namespace polytask::benchmarks
