// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// The census of 1994: who earns more than 50,000 dollars, and who was never
// married, from numbers and text columns.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>

#include <filesystem>

namespace {

namespace data = polytask::data;
namespace fit = polytask::fit;

constexpr int64_t kSkipped = 77; // as CTest is told

// Gains and losses are 0 for most people, and else one of some hundred sums.
const std::vector<std::string> kCategories = {"workclass", "education", "occupation",
    "relationship", "race", "sex", "native-country", "capital-gain", "capital-loss"};
const std::vector<std::string> kNumbers = {
    "age", "education-num", "capital-gain", "capital-loss", "hours-per-week"};

data::Table read(const std::string& path) {
  return data::read_csv(path,
      data::CsvOptions()
          .without({"fnlwgt"})
          .rename({{"classification", "income"}, {"marital-status", "never married"}})
          .infer_categories(true));
}

} // namespace

int main(int argc, char** argv) {
  std::string folder, run;
  int64_t epochs = 30;
  CLI::App app("Income and marital status of 48,842 people.");
  app.add_option("--data", folder, "The folder of adult_train.csv, adult_test.csv")->required();
  app.add_option("--epochs", epochs, "Epochs at most")->check(CLI::Range(1, 10000));
  app.add_option("--run", run, "A folder for checkpoints and the report");
  CLI11_PARSE(app, argc, argv);
  if (!std::filesystem::exists(folder + "/adult_train.csv")) {
    fmt::print("census: skipped, {} has no adult_train.csv\n", folder);
    return kSkipped;
  }
  try {
    torch::manual_seed(0);
    const auto people = read(folder + "/adult_train.csv");
    const auto split = data::stratified_split(
        people.category("income").codes, data::SplitOptions().validation(0.1).test(0));
    const auto train = people.rows_at(split.train);
    const auto preparation = data::Preparation::fit(train,
        data::PreparationOptions()
            .numbers(kNumbers)
            .ids(kCategories)
            .missing_is_category(true)
            .target_binary("income", ">50K")
            .target_binary("never married", "Never-married"));

    polytask::MultiTaskModel model{polytask::TabularTrunk(
        polytask::TabularTrunkOptions(preparation.width(), preparation.id_sizes())
            .hidden({64, 32})
            .dropout(0.1))};
    for (const auto& task : preparation.tasks()) {
      model->add_task(task,
          polytask::Task(torch::nn::Linear(32, 1), polytask::BCEWithLogitsLoss())
              .metric(polytask::ROCAUC())
              .metric(polytask::LogLoss())
              .metric(polytask::Accuracy()));
    }
    polytask::JointTraining joint(model, torch::optim::AdamWOptions(2e-3).weight_decay(1e-4));
    data::Loader loader(preparation.dataset(train), data::LoaderOptions().batch_size(256));
    fit::FitOptions plan;
    plan.epochs(epochs)
        .validation(preparation.dataset(people.rows_at(split.validation)))
        .monitor("mean/auc")
        .early_stopping(fit::EarlyStopping("mean/auc").patience(6))
        .averaging(0.99);
    if (!run.empty()) {
      plan.folder(run);
    }
    const auto history = fit::Fit(joint, loader, plan).run();

    const auto test = read(folder + "/adult_test.csv");
    const auto values = fit::evaluate(model, preparation.dataset(test));
    fmt::print("{}; test rows:\n", history.stop_reason());
    for (const auto& task : values.tasks()) {
      fmt::print("{:14} AUC {:.4f}, log loss {:.4f}, accuracy {:.4f}\n", task.task,
          values[task.task + "/auc"], values[task.task + "/log_loss"],
          values[task.task + "/accuracy"]);
    }
  } catch (const c10::Error& error) {
    fmt::print(stderr, "census: {}\n", error.what_without_backtrace());
    return 1;
  }
}
