// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Exam scores of pupils of 139 schools: 139 linear tasks, each with rows of its
// own, trained alternately (schools in proportion to their pupils) and jointly.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>
#include <filesystem>

namespace {

namespace fit = polytask::fit;

constexpr int kNoData = 77; // what CTest takes for "skipped"
constexpr int64_t kInputs = 28;

using Schools = std::vector<polytask::data::Dataset>;

struct Data {
  Schools train;
  Schools test;
};

// The rows of each school among `rows`; the target is named after the school.
Schools by_school(const torch::Tensor& values, const torch::Tensor& rows) {
  const auto chosen = values.index_select(0, rows);
  const auto school = chosen.select(1, kInputs + 1);
  const auto count = values.select(1, kInputs + 1).max().item<int64_t>();
  Schools schools;
  for (int64_t s = 1; s <= count; ++s) {
    const auto own = chosen.index_select(0, school.eq(s).nonzero().squeeze(1));
    schools.push_back(
        {own.narrow(1, 0, kInputs), {{fmt::format("school{}", s), own.narrow(1, kInputs, 1)}}});
  }
  return schools;
}

Data read(const std::string& file, const std::string& test_rows) {
  namespace data = polytask::data;
  const auto table = data::read_csv(file, data::CsvOptions().header(false));
  auto values = table.values().to(torch::kFloat);
  values.narrow(1, 3, 2).div_(100); // two columns are percentages
  const auto test = test_rows.empty() ? data::random_split(table.rows(), 0.25, /*seed=*/0).second
                                      : data::read_index(test_rows);
  const auto train = data::complement(test, table.rows());
  return {by_school(values, train), by_school(values, test)};
}

polytask::MultiTaskModel make_model(const Schools& schools) {
  polytask::MultiTaskModel model;
  for (const auto& school : schools) {
    // The last input is the constant 1, so no bias is needed.
    model->add_task(school.tasks()[0],
        polytask::Task(
            polytask::LinearTask(polytask::LinearTaskOptions(kInputs, 1).bias(false).range(0)),
            polytask::MSELoss())
            .metric(polytask::RMSE()));
  }
  return model;
}

double mean_rmse(polytask::Training& training, polytask::data::MultiLoader& loader,
    const Schools& test, int64_t epochs) {
  fit::Fit(training, loader, fit::FitOptions().epochs(epochs).progress(fit::ProgressKind::kSilent))
      .run();
  return fit::evaluate(training.model(), test)["mean/rmse"];
}

} // namespace

int main(int argc, char** argv) {
  std::string file;
  std::string test_rows;
  int64_t epochs = 300;
  CLI::App app("Learns the exam scores of 139 schools.");
  app.add_option("--data", file, "school.csv: 28 inputs, score, school")->required();
  app.add_option("--test-rows", test_rows, "Row numbers; else a random quarter");
  app.add_option("--epochs", epochs, "Steps for each school")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  if (!std::filesystem::exists(file)) {
    fmt::print("skipped: there is no file {}\n", file);
    return kNoData;
  }
  try {
    torch::manual_seed(0);
    const Data data = read(file, test_rows);
    const auto whole = static_cast<int64_t>(15362); // a full batch each
    polytask::data::MultiLoader loader(
        data.train, polytask::data::LoaderOptions().batch_size(whole).shuffle(false));
    const torch::optim::SGDOptions sgd(0.1);

    auto apart = make_model(data.train);
    polytask::TaskNumbers sizes;
    for (const auto& [task, rows] : loader.sizes()) {
      sizes.emplace_back(task, static_cast<double>(rows));
    }
    polytask::AlternatingTraining alternating(apart, sgd,
        polytask::AlternatingTrainingOptions()
            .sampler(polytask::ProportionalSampler(sizes))
            .seed(1));
    const double alternating_rmse = mean_rmse(alternating, loader, data.test, epochs);

    auto together = make_model(data.train);
    polytask::JointTraining joint(together, sgd);
    fmt::print("{} schools, mean task RMSE: alternating {:.3f}, joint {:.3f}\n", apart->size(),
        alternating_rmse, mean_rmse(joint, loader, data.test, epochs));
  } catch (const c10::Error& error) {
    fmt::print(stderr, "school: {}\n", error.what_without_backtrace());
    return 1;
  }
}
