// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Heating and cooling load of buildings: two linear tasks trained jointly and
// alternately to the least-squares optimum, then a shared trunk with two heads.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>

namespace {

namespace data = polytask::data;
namespace fit = polytask::fit;

const std::vector<std::string> kTasks = {"Y1", "Y2"};
// Test RMSE of least squares on the same split, kWh/m².
constexpr double kLeastSquares[] = {2.970, 3.190};

struct Data {
  data::Preparation preparation; // fitted on the train rows
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

polytask::MultiTaskModel with_tasks(
    polytask::MultiTaskModel model, const Data& data, int64_t features) {
  for (const auto& task : kTasks) {
    model->add_task(task,
        polytask::Task(torch::nn::Linear(features, 1), polytask::MSELoss())
            .metric(polytask::Rescaled(polytask::RMSE(), data.preparation.scale(task))));
  }
  return model;
}

std::vector<double> train_linear(const std::string& name, const Data& data) {
  auto model = with_tasks(polytask::MultiTaskModel(), data, 8);
  const auto batch = data.train.batch();
  const auto options = torch::optim::SGDOptions(0.2).momentum(0.9);
  if (name == "linear, joint") {
    polytask::JointTraining(model, options).run(batch, 4000);
  } else {
    polytask::AlternatingTraining(model, options).run(batch, 8000);
  }
  const auto values = fit::evaluate(model, data.test);
  return {values["Y1/rmse"], values["Y2/rmse"]};
}

std::vector<double> train_trunk(const Data& data, int64_t epochs, const std::string& run) {
  torch::nn::Sequential trunk(
      torch::nn::Linear(8, 64), torch::nn::ReLU(), torch::nn::Linear(64, 64), torch::nn::ReLU());
  auto model = with_tasks(polytask::MultiTaskModel{trunk}, data, 64);
  polytask::JointTraining joint(model, torch::optim::AdamOptions(2e-3));
  data::Loader loader(data.train, data::LoaderOptions().batch_size(64).seed(1));
  fit::Fit(joint, loader, fit::FitOptions().epochs(epochs).folder(run)).run();
  const auto values = fit::evaluate(model, data.test);
  return {values["Y1/rmse"], values["Y2/rmse"]};
}

void print_row(const std::string& name, const std::vector<double>& errors) {
  const double mean = (errors[0] + errors[1]) / 2;
  fmt::print("{:24}{:9.3f}{:9.3f}{:9.3f}\n", name, errors[0], errors[1], mean);
}

} // namespace

int main(int argc, char** argv) {
  std::string folder = POLYTASK_EXAMPLE_DATA "/energy_efficiency", run;
  int64_t epochs = 400;
  CLI::App app("Learns the heating and cooling load of buildings.");
  app.add_option("--data", folder, "The folder of enb.arff and its split");
  app.add_option("--epochs", epochs, "Epochs of the shared trunk")->check(CLI::Range(4, 100000));
  app.add_option("--run", run, "A folder for its checkpoints and report");
  CLI11_PARSE(app, argc, argv);
  try {
    torch::manual_seed(0);
    const Data data = read(folder);
    const std::vector<double> baseline(std::begin(kLeastSquares), std::end(kLeastSquares));
    const auto shared = train_trunk(data, epochs, run);
    fmt::print("test RMSE, kWh/m²         heating  cooling     mean\n");
    print_row("least squares", baseline);
    for (const auto* name : {"linear, joint", "linear, alternating"}) {
      print_row(name, train_linear(name, data));
    }
    print_row("shared trunk", shared);
    const double gain = (baseline[0] + baseline[1]) / (shared[0] + shared[1]);
    fmt::print("shared trunk: {:.1f} times less error than least squares\n", gain);
  } catch (const c10::Error& error) {
    fmt::print(stderr, "energy_efficiency: {}\n", error.what_without_backtrace());
    return 1;
  }
}
