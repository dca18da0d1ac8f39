// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Steps of several processes, each on its part of the rows, and what they send;
// benchmarks/ranks.py starts the processes. Prints one line of JSON.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

struct Traffic {
  double bytes = 0;
  double seconds = 0;
  int64_t calls = 0;

  template <typename Call>
  auto add(double sent, const Call& call) {
    struct Clocked {
      ~Clocked() {
        seconds += seconds_since(began);
      }
      double& seconds;
      Clock::time_point began;
    } const clocked{seconds, Clock::now()};
    bytes += sent;
    ++calls;
    return call();
  }
};

/// Counts what another sends, and how long it takes.
class Counted : public polytask::Communicator {
 public:
  explicit Counted(std::shared_ptr<polytask::Communicator> group)
      : group_(std::move(group)) {}

  int64_t rank() const override {
    return group_->rank();
  }
  int64_t size() const override {
    return group_->size();
  }
  void sum(at::Tensor& tensor) override {
    traffic.add(2 * others() / (others() + 1) * bytes(tensor), [&] {
      group_->sum(tensor);
    });
  }
  at::Tensor sum_own_block(const at::Tensor& blocks) override {
    return traffic.add(others() / (others() + 1) * bytes(blocks), [&] {
      return group_->sum_own_block(blocks);
    });
  }
  at::Tensor gather(const at::Tensor& tensor) override {
    return traffic.add(
        others() * bytes(tensor), [&] { return group_->gather(tensor); });
  }
  void broadcast(at::Tensor& tensor, int64_t from) override {
    group_->broadcast(tensor, from);
  }
  void barrier() override {
    group_->barrier();
  }

  std::shared_ptr<Communicator> split(int64_t color) override {
    return group_->split(color);
  }

  Traffic traffic;

 private:
  double others() const {
    return static_cast<double>(size() - 1);
  }
  static double bytes(const at::Tensor& tensor) {
    return static_cast<double>(tensor.nbytes());
  }

  std::shared_ptr<polytask::Communicator> group_;
};

torch::nn::Sequential layers(std::vector<int64_t> widths) {
  torch::nn::Sequential all;
  for (size_t i = 1; i < widths.size(); ++i) {
    all->push_back(torch::nn::Linear(widths[i - 1], widths[i]));
    all->push_back(torch::nn::ReLU());
  }
  return all;
}

struct Job {
  polytask::MultiTaskModel model;
  polytask::Batch batch;
};

Job make(const std::string& name, int64_t rank, int64_t size) {
  int64_t tasks = 32, rows = 1024, features = 64;
  polytask::MultiTaskModel model;
  if (name == "linear") {
    tasks = 256, rows = 4096, features = 512;
  } else if (name == "mmoe") {
    tasks = 4;
    model = polytask::MultiTaskModel(std::make_shared<polytask::MMoEImpl>(
        polytask::MMoEOptions(features, [] {
          return layers({64, 128});
        }).experts(8)));
  } else if (name == "network") {
    model = polytask::MultiTaskModel(layers({features, 256, 256}));
  } else {
    TORCH_CHECK_VALUE(false, "there is no job '", name, "'.");
  }
  const auto x = torch::randn({rows, features});
  const auto y = torch::sin(x.matmul(torch::randn({features, tasks})) / 8);
  polytask::Batch::Targets targets;
  const int64_t begin = rows * rank / size, end = rows * (rank + 1) / size;
  const auto own = [&](const torch::Tensor& all) {
    return all.slice(0, begin, end).contiguous();
  };
  for (int64_t task = 0; task < tasks; ++task) {
    const auto task_name = fmt::format("y{}", task);
    if (name == "linear") {
      model->add_task(task_name, polytask::LinearTask(features, 1));
    } else if (name == "mmoe") {
      torch::nn::Sequential tower = layers({128, 64});
      tower->push_back(torch::nn::Linear(64, 1));
      model->add_task(task_name, polytask::Task(tower, polytask::MSELoss()));
    } else {
      model->add_task(
          task_name,
          polytask::Task(torch::nn::Linear(256, 1), polytask::MSELoss()));
    }
    targets.emplace_back(task_name, own(y.narrow(1, task, 1)));
  }
  return {model, polytask::Batch(own(x), targets)};
}

std::unique_ptr<torch::optim::OptimizerOptions> optimizer(
    const std::string& name) {
  if (name == "linear") {
    return std::make_unique<torch::optim::SGDOptions>(1e-3);
  }
  return std::make_unique<torch::optim::AdamOptions>(1e-3);
}

} // namespace

// JOB METHOD PARTS ROUNDS STEPS; PARTS: more than one without other processes
// takes the rows of one of so many.
int main(int argc, char** argv) {
  TORCH_CHECK_VALUE(argc == 6, "expected JOB METHOD PARTS ROUNDS STEPS.");
  const std::string name = argv[1], method = argv[2];
  const int64_t parts = std::stoll(argv[3]), rounds = std::stoll(argv[4]);
  const int64_t steps = std::stoll(argv[5]);
  torch::manual_seed(0);
  auto group =
      std::make_shared<Counted>(polytask::distributed::from_environment());
  const int64_t size = group->size();
  Job job = make(name, group->rank(), size > 1 ? size : parts);
  polytask::JointTrainingOptions options;
  options.communicator(group);
  if (method != "sum") {
    options.balancing(polytask::balancing::make(method));
  }
  polytask::JointTraining training(job.model, *optimizer(name), options);
  for (int64_t i = 0; i < 3; ++i) {
    training.step(job.batch);
  }
  double least = std::numeric_limits<double>::infinity(), waiting = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    group->barrier();
    group->traffic = {};
    const auto began = Clock::now();
    for (int64_t i = 0; i < steps; ++i) {
      training.step(job.batch);
    }
    const double seconds = seconds_since(began);
    if (seconds < least) {
      least = seconds;
      waiting = group->traffic.seconds / seconds;
    }
  }
  if (group->rank() == 0) {
    const auto count = static_cast<double>(steps);
    fmt::print(
        "{{\"us\": {:.1f}, \"waiting\": {:.3f}, \"bytes\": {:.0f}, \"calls\": "
        "{:.1f}, \"numbers\": {}}}\n",
        least / count * 1e6,
        waiting,
        group->traffic.bytes / count,
        static_cast<double>(group->traffic.calls) / count,
        [&] {
          int64_t all = 0;
          for (const auto& parameter : job.model->parameters()) {
            all += parameter.numel();
          }
          return all;
        }());
  }
}
