// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Heating and cooling load of buildings: two linear tasks trained jointly and
// alternately to the least-squares optimum, then a shared trunk with two heads.

#include <fmt/format.h>
#include <polytask/polytask.h>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <CLI/CLI.hpp>

namespace {

const std::vector<std::string> kTasks = {"Y1", "Y2"};
// Test RMSE of least squares on the same split.
constexpr double kLeastSquares[] = {2.970, 3.190};

struct Data {
  polytask::data::Dataset train;
  polytask::data::Dataset test;
  polytask::data::Standardizer targets; // fitted on the train rows
};

polytask::data::Dataset dataset(const torch::Tensor& x, const torch::Tensor& y) {
  return {x, {{"Y1", y.narrow(1, 0, 1)}, {"Y2", y.narrow(1, 1, 1)}}};
}

Data read(const std::string& folder) {
  namespace data = polytask::data;
  const auto table = data::read_arff(folder + "/enb.arff");
  const auto train = data::read_index(folder + "/enb_split_train.txt");
  const auto test = data::read_index(folder + "/enb_split_test.txt");
  const auto x = table.values(table.columns_except(kTasks));
  const auto y = table.values(kTasks);
  const auto inputs = data::Standardizer::fit(x.index_select(0, train));
  const auto targets = data::Standardizer::fit(y.index_select(0, train));
  const auto all = dataset(inputs.transform(x), targets.transform(y));
  return {all.select(train), all.select(test), targets};
}

// Test RMSE of each task in kWh/m².
std::vector<double> rmse(polytask::MultiTaskModel model, const Data& data) {
  torch::NoGradGuard no_grad;
  const auto outputs = model->forward(data.test.input());
  std::vector<double> errors;
  for (size_t i = 0; i < kTasks.size(); ++i) {
    const auto error = outputs[kTasks[i]] - data.test.target(kTasks[i]);
    errors.push_back(error.square().mean().sqrt().item<double>() *
        data.targets.scale()[static_cast<int64_t>(i)].item<double>());
  }
  return errors;
}

void print_row(const std::string& name, const std::vector<double>& errors) {
  const double mean = (errors[0] + errors[1]) / 2;
  fmt::print("{:24}{:9.3f}{:9.3f}{:9.3f}\n", name, errors[0], errors[1], mean);
}

bool on_a_terminal() {
#if __has_include(<unistd.h>)
  return isatty(STDERR_FILENO) != 0;
#else
  return false;
#endif
}

// A bar on a terminal, a line now and then otherwise.
void show_progress(const std::string& name, int64_t done, int64_t all) {
  static const bool terminal = on_a_terminal();
  if (terminal && (done % (all / 100) == 0 || done == all)) {
    const auto full = static_cast<size_t>(30 * done / all);
    fmt::print(stderr, "\r{:24}[{:30}] {:3} %{}", name, std::string(full, '='), 100 * done / all,
        done == all ? "\r\033[K" : "");
    std::fflush(stderr);
  } else if (!terminal && done % (all / 4) == 0) {
    fmt::print(stderr, "{}: {} of {}\n", name, done, all);
  }
}

polytask::MultiTaskModel linear_model() {
  polytask::MultiTaskModel model;
  for (const auto& task : kTasks) {
    model->add_task(task, polytask::LinearTask(8, 1));
  }
  return model;
}

template <typename Training>
std::vector<double> train_linear(const std::string& name, const Data& data, int64_t steps) {
  auto model = linear_model();
  Training training(model, torch::optim::SGDOptions(0.2).momentum(0.9));
  training.run(data.train.batch(), steps,
      [&](const auto& report) { show_progress(name, report.step, steps); });
  return rmse(model, data);
}

std::vector<double> train_trunk(const std::string& name, const Data& data, int64_t epochs) {
  torch::nn::Sequential trunk(
      torch::nn::Linear(8, 64), torch::nn::ReLU(), torch::nn::Linear(64, 64), torch::nn::ReLU());
  polytask::MultiTaskModel model{polytask::HardSharing(trunk)};
  for (const auto& task : kTasks) {
    model->add_task(task, polytask::Task(torch::nn::Linear(64, 1), polytask::MSELoss()));
  }
  polytask::JointTraining training(model, torch::optim::AdamOptions(2e-3));
  polytask::data::Loader loader(data.train, polytask::data::LoaderOptions().batch_size(64).seed(1));
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    for (const auto& batch : loader) {
      training.step(batch);
    }
    show_progress(name, epoch, epochs);
  }
  return rmse(model, data);
}

} // namespace

int main(int argc, char** argv) {
  std::string folder = POLYTASK_EXAMPLE_DATA "/energy_efficiency";
  int64_t epochs = 400;
  CLI::App app("Learns the heating and cooling load of buildings.");
  app.add_option("--data", folder, "The folder of enb.arff and its split");
  app.add_option("--epochs", epochs, "Epochs of the shared trunk")->check(CLI::Range(4, 100000));
  CLI11_PARSE(app, argc, argv);
  try {
    torch::manual_seed(0);
    const Data data = read(folder);
    const std::vector<double> baseline(std::begin(kLeastSquares), std::end(kLeastSquares));
    const auto joint = train_linear<polytask::JointTraining>("linear, joint", data, 4000);
    const auto alternating =
        train_linear<polytask::AlternatingTraining>("linear, alternating", data, 8000);
    const auto shared = train_trunk("shared trunk", data, epochs);
    fmt::print("test RMSE, kWh/m²         heating  cooling     mean\n");
    print_row("least squares", baseline);
    print_row("linear, joint", joint);
    print_row("linear, alternating", alternating);
    print_row("shared trunk", shared);
    const double gain = (baseline[0] + baseline[1]) / (shared[0] + shared[1]);
    fmt::print("shared trunk: {:.1f} times less error than least squares\n", gain);
  } catch (const c10::Error& error) {
    fmt::print(stderr, "energy_efficiency: {}\n", error.what_without_backtrace());
    return 1;
  }
}
