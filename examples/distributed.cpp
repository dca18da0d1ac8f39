// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Heating and cooling load of buildings, by several processes that each take
// their part of every batch; the figures are those of one:
//
//   torchrun --no-python --nproc-per-node 2 distributed
//   torchrun --no-python --nproc-per-node 2 --max-restarts 3 distributed --folder run
//   torchrun --no-python --nproc-per-node 2 distributed --tasks-apart
//
// With a folder, a process that dies takes the training back to its last
// checkpoint and no further. With tasks apart, each process has one task's head
// and rows.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>

namespace {

namespace data = polytask::data;
namespace fit = polytask::fit;

const std::vector<std::string> kTasks = {"Y1", "Y2"};

struct Data {
  data::Preparation preparation;
  data::Dataset train;
  data::Dataset test;
};

Data read(const std::string& folder) {
  const auto table = data::read_arff(folder + "/enb.arff");
  const auto train = table.rows_at(data::read_index(folder + "/enb_split_train.txt"));
  const auto test = table.rows_at(data::read_index(folder + "/enb_split_test.txt"));
  const auto preparation = data::Preparation::fit(train,
      data::PreparationOptions().numbers(table.columns_except(kTasks)).target("Y1").target("Y2"));
  return {preparation, preparation.dataset(train), preparation.dataset(test)};
}

// The rows with the targets of these tasks alone.
data::Dataset only(const data::Dataset& rows, const std::vector<std::string>& tasks) {
  polytask::Batch::Targets targets;
  for (const auto& task : tasks) {
    targets.emplace_back(task, rows.target(task));
  }
  return {rows.inputs(), targets};
}

polytask::MultiTaskModel make_model(const Data& data) {
  polytask::MultiTaskModel model{torch::nn::Sequential(
      torch::nn::Linear(8, 64), torch::nn::ReLU(), torch::nn::Linear(64, 64), torch::nn::ReLU())};
  for (const auto& task : kTasks) {
    model->add_task(task,
        polytask::Task(torch::nn::Linear(64, 1), polytask::MSELoss())
            .metric(polytask::Rescaled(polytask::RMSE(), data.preparation.scale(task))));
  }
  return model;
}

std::unique_ptr<polytask::Training> make_training(polytask::MultiTaskModel model,
    const std::string& method, bool alternates,
    const std::shared_ptr<polytask::Communicator>& group, const polytask::TaskOwners& owners) {
  const torch::optim::AdamOptions adam(2e-3);
  if (alternates) {
    return std::make_unique<polytask::AlternatingTraining>(model, adam,
        polytask::AlternatingTrainingOptions().seed(1).communicator(group).task_owners(owners));
  }
  return std::make_unique<polytask::JointTraining>(model, adam,
      polytask::JointTrainingOptions()
          .balancing(polytask::balancing::make(method))
          .communicator(group)
          .task_owners(owners));
}

} // namespace

int main(int argc, char** argv) {
  std::string folder = POLYTASK_EXAMPLE_DATA "/energy_efficiency", method = "upgrad", run;
  int64_t epochs = 100;
  bool apart = false, alternates = false;
  CLI::App app("Learns the loads of buildings by several processes.");
  app.add_option("--data", folder, "The folder of enb.arff and its split");
  app.add_option("--epochs", epochs, "Epochs")->check(CLI::Range(1, 100000));
  app.add_option("--method", method, "How tasks are weighed against each other");
  app.add_flag("--alternate", alternates, "One task in each step, without a method");
  app.add_flag("--tasks-apart", apart, "Processes have tasks of their own");
  app.add_option("--folder", run, "A folder for checkpoints, that all processes see");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto group = polytask::distributed::from_environment();
    torch::manual_seed(0);
    const Data data = read(folder);
    auto model = make_model(data);
    const int64_t rows = data.train.size();
    const auto owners = apart
        ? polytask::TaskOwners::in_proportion({{"Y1", rows}, {"Y2", rows}}, group->size())
        : polytask::TaskOwners({{kTasks, group->size()}});
    const auto training = make_training(model, method, alternates, group, owners);
    data::Loader loader(only(data.train, owners.tasks_of(group->rank())),
        data::LoaderOptions().batch_size(64).seed(1).shard(
            owners.place_of(group->rank()), owners.ranks_with(group->rank())));
    fit::Fit(*training, loader,
        fit::FitOptions()
            .epochs(epochs)
            .folder(run)
            .checkpoints(fit::CheckpointOptions().every_epochs(1).not_within_seconds(0.2))
            .progress(fit::ProgressKind::kSilent))
        .run();
    if (group->rank() == 0) {
      const auto values = fit::evaluate(model, data.test);
      fmt::print("test RMSE, kWh/m²: heating {:.3f}, cooling {:.3f}\n", values["Y1/rmse"],
          values["Y2/rmse"]);
    }
  } catch (const c10::Error& error) {
    fmt::print(stderr, "distributed: {}\n", error.what_without_backtrace());
    return 1;
  }
}
