// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "mixtures.h"

#include <polytask/balancing/make.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include "floor_mixture.h"
#include "tower_loop.h"
#include "training_contender.h"

namespace polytask::benchmarks {

namespace {

using torch::nn::Linear;

constexpr int64_t kMixtureSteps = 20;
constexpr int64_t kMixtureRows = 1024;
constexpr int64_t kMixtureInputs = 64;
constexpr int64_t kMixtureWidth = 128;
constexpr int64_t kMixtureTower = 64;
constexpr int64_t kMixtureTasks = 4;

ExpertLevelOptions cgc_level(int64_t inputs) {
  return ExpertLevelOptions(inputs, mixture_expert(inputs)).shared_experts(4);
}

// As one would write it.
class MixtureLoop : public TowerLoop {
 public:
  MixtureLoop(const Problem& problem, MixtureKind kind)
      : TowerLoop(problem), kind_(kind) {
    add_level(experts_, gates_, kMixtureInputs);
    if (kind_ == MixtureKind::kPLE) {
      add_level(upper_experts_, upper_gates_, kMixtureWidth);
    }
    start(problem);
  }

 private:
  // In the order of the model's parameters: shared experts, then own ones.
  void add_level(
      std::vector<Linear>& experts, std::vector<Linear>& gates, int64_t width) {
    const bool is_mmoe = kind_ == MixtureKind::kMMoE;
    for (int64_t e = 0; e < 8; ++e) {
      experts.push_back(add_layer(width, kMixtureWidth));
    }
    for (int64_t t = 0; t < kMixtureTasks; ++t) {
      gates.push_back(add_layer(width, is_mmoe ? 8 : 5));
    }
    if (kind_ == MixtureKind::kPLE && width == kMixtureInputs) {
      gates.push_back(add_layer(width, 8));
    }
  }

  static torch::Tensor mixed(
      const torch::Tensor& logits, const std::vector<torch::Tensor>& outputs) {
    return torch::bmm(
               torch::softmax(logits, 1).unsqueeze(1), torch::stack(outputs, 1))
        .squeeze(1);
  }

  std::vector<torch::Tensor> features() override {
    std::vector<torch::Tensor> outputs;
    for (auto& expert : experts_) {
      outputs.push_back(torch::relu(expert(input_)));
    }
    std::vector<torch::Tensor> states;
    for (size_t t = 0; t < kMixtureTasks; ++t) {
      states.push_back(
          kind_ == MixtureKind::kMMoE ? mixed(gates_[t](input_), outputs)
                                      : mixed(
                                            gates_[t](input_),
                                            {outputs[4 + t],
                                             outputs[0],
                                             outputs[1],
                                             outputs[2],
                                             outputs[3]}));
    }
    if (kind_ != MixtureKind::kPLE) {
      return states;
    }
    const torch::Tensor shared = mixed(
        gates_[4](input_),
        {outputs[4],
         outputs[5],
         outputs[6],
         outputs[7],
         outputs[0],
         outputs[1],
         outputs[2],
         outputs[3]});
    std::vector<torch::Tensor> common;
    for (size_t e = 0; e < 4; ++e) {
      common.push_back(torch::relu(upper_experts_[e](shared)));
    }
    for (size_t t = 0; t < kMixtureTasks; ++t) {
      const torch::Tensor own = torch::relu(upper_experts_[4 + t](states[t]));
      states[t] = mixed(
          upper_gates_[t](states[t]),
          {own, common[0], common[1], common[2], common[3]});
    }
    return states;
  }

  MixtureKind kind_;
  std::vector<Linear> experts_;
  std::vector<Linear> gates_;
  std::vector<Linear> upper_experts_;
  std::vector<Linear> upper_gates_;
};

} // namespace

NetworkFactory mixture_expert(int64_t inputs) {
  return [inputs] {
    return torch::nn::Sequential(
        Linear(inputs, kMixtureWidth), torch::nn::ReLU());
  };
}

torch::nn::Sequential mixture_tower() {
  return torch::nn::Sequential(
      Linear(kMixtureWidth, kMixtureTower),
      torch::nn::ReLU(),
      Linear(kMixtureTower, 1));
}

Problem mixture_problem(const MultiTaskModel& model) {
  Problem problem;
  problem.input = torch::randn({kMixtureRows, kMixtureInputs});
  problem.targets = torch::tanh(problem.input.matmul(
                        torch::randn({kMixtureInputs, kMixtureTasks}) * 0.2)) +
      0.1 * torch::randn({kMixtureRows, kMixtureTasks});
  std::vector<torch::Tensor> flat;
  for (const auto& parameter : model->unique_parameters()) {
    flat.push_back(parameter.detach().reshape({-1}));
  }
  problem.start = torch::cat(flat);
  return problem;
}

MultiTaskModel with_towers(std::shared_ptr<Sharing> sharing) {
  MultiTaskModel model(std::move(sharing));
  for (int64_t t = 0; t < kMixtureTasks; ++t) {
    model->add_task(Problem::name(t), Task(mixture_tower(), MSELoss()));
  }
  return model;
}

MultiTaskModel mixture_model(MixtureKind kind) {
  std::shared_ptr<Sharing> sharing;
  if (kind == MixtureKind::kMMoE) {
    sharing = MMoE(MMoEOptions(kMixtureInputs, mixture_expert(kMixtureInputs))
                       .experts(8))
                  .ptr();
  } else if (kind == MixtureKind::kCGC) {
    sharing = CGC(cgc_level(kMixtureInputs)).ptr();
  } else {
    sharing =
        PLE(PLEOptions({cgc_level(kMixtureInputs), cgc_level(kMixtureWidth)}))
            .ptr();
  }
  return with_towers(std::move(sharing));
}

std::unique_ptr<Contender> adam_training(
    const Problem& problem,
    const MultiTaskModel& model,
    const std::string& method,
    Route route) {
  JointTrainingOptions options;
  options.route(route);
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  return std::make_unique<TrainingContender<JointTraining>>(
      problem, model, Call::kStep, torch::optim::AdamOptions(1e-3), options);
}

void add_mixtures(Entries& entries, const DataFolder& data) {
  for (const auto& [kind, job] :
       {std::pair{MixtureKind::kMMoE, "MMoE"},
        std::pair{MixtureKind::kCGC, "CGC"},
        std::pair{MixtureKind::kPLE, "PLE"}}) {
    const LazyProblem lazy([=, kind = kind, job = job] {
      return data.empty() ? mixture_problem(mixture_model(kind))
                          : read_problem(data + "/" + job);
    });
    const auto add = [&, job = job](const std::string& contender, auto make) {
      entries.push_back(
          {job, contender, kMixtureSteps, [=] { return make(lazy.get()); }});
    };
    const auto training =
        [kind = kind](const std::string& method, Route route = Route::kAuto) {
          return [=](const Problem& problem) {
            return adam_training(problem, mixture_model(kind), method, route);
          };
        };
    add("loop", [kind = kind](const Problem& problem) {
      return std::make_unique<MixtureLoop>(problem, kind);
    });
    add("step", training(""));
    add("step, autograd route", training("", Route::kAutograd));
    add("floor", [kind = kind](const Problem& problem) {
      return mixture_floor(problem, kind, 1e-3);
    });
    add("floor of the gradients", [kind = kind](const Problem& problem) {
      return mixture_jacobian_floor(problem, kind, 1e-3);
    });
    entries.back().reference.clear();
    add("step, mean", training("mean"));
    entries.back().reference = "floor of the gradients";
    for (const char* method : {"pcgrad", "cagrad", "upgrad"}) {
      const std::string name = std::string("step, ") + method;
      add(name, training(method));
      entries.back().reference.clear();
      add(name + ", autograd route", training(method, Route::kAutograd));
      entries.back().reference = name;
    }
  }
}

} // namespace polytask::benchmarks
