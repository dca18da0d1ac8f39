// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/compare.h>

#include <gmock/gmock.h>
#include <polytask/balancing/gramian/cagrad.h>
#include <polytask/fit/fit.h>
#include <polytask/optim/schedulers/cosine.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/metrics/errors.h>
#include <polytask/task/metrics/variance.h>
#include <torch/torch.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/support/errors.h"

namespace {

using polytask::MultiTaskModel;
using polytask::data::Dataset;
using polytask::fit::CompareOptions;
using polytask::fit::Comparison;
using polytask::fit::FitOptions;
using polytask::testing::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

Dataset compared_rows(int64_t count, int64_t seed) {
  torch::manual_seed(seed);
  auto x = torch::randn({count, 4});
  return {x, {{"sum", x.sum(1, true)}, {"size", x.norm(2, 1, true)}}};
}

MultiTaskModel compared_model(const std::vector<std::string>& tasks) {
  MultiTaskModel model(torch::nn::Sequential(
      torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Dropout(0.1)));
  for (const auto& name : tasks) {
    model->add_task(
        name,
        polytask::Task(torch::nn::Linear(8, 1), polytask::MSELoss())
            .metric(polytask::RMSE())
            .metric(polytask::R2()));
  }
  return model;
}

CompareOptions small_comparison() {
  return CompareOptions(
             compared_rows(40, 1), compared_rows(20, 2), compared_rows(20, 3))
      .optimizer(torch::optim::AdamOptions(1e-2))
      .loader(polytask::data::LoaderOptions().batch_size(10))
      .fit(FitOptions().epochs(2).events(false).report(false))
      .methods({"pcgrad"})
      .seeds({3, 5})
      .metric("rmse")
      .progress(polytask::fit::ProgressKind::kSilent);
}

std::string comparison_folder(const std::string& name) {
  const std::string path = testing::TempDir() + "compare_" + name;
  std::filesystem::remove_all(path);
  return path;
}

// Counts the fits that begin, and fails in one of them.
struct CountFits : polytask::fit::Callback {
  struct Failure : std::exception {};
  int begun = 0;
  int64_t steps = 0;
  int64_t fails_at = 0;
  int64_t interrupts_at = 0;

  void on_fit_begin(polytask::fit::Fit&) override {
    ++begun;
  }
  void on_step_end(polytask::fit::Fit&, const polytask::StepReport&) override {
    if (++steps == fails_at) {
      throw Failure();
    }
    if (steps == interrupts_at) {
      std::raise(SIGINT);
    }
  }
};

polytask::balancing::CAGrad cagrad(double c) {
  return polytask::balancing::CAGrad(polytask::balancing::CAGradOptions().c(c));
}

// But for the time, which no two runs have in common.
std::string without_time(const Comparison& comparison) {
  std::istringstream lines(comparison.csv());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    text += line.find(",seconds,") == std::string::npos ? line + '\n' : "";
  }
  return text;
}

// Two seeds, three tasks: one that is better when lower, one when higher, and
// one that is perfect alone with the second seed.
Comparison known_comparison() {
  return Comparison(
      {0, 1},
      {{"a", "rmse", false}, {"b", "auc", true}, {"c", "loss", false}},
      {{"alone", {{1, 2}, {0.5, 0.8}, {1, 0}}, {6, 6}, {3, 5}},
       {"equal", {{0.9, 2.2}, {0.6, 0.8}, {3, 4}}, {2, 2}, {1, 2}}});
}

TEST(DeltaM, IsTheMeanOfTheGainsInPercent) {
  EXPECT_NEAR(
      polytask::fit::delta_m({0.9, 60}, {1, 50}, {false, true}), 15, 1e-12);
  EXPECT_NEAR(
      polytask::fit::delta_m({1.1, 45}, {1, 50}, {false, true}), -10, 1e-12);
}

TEST(DeltaM, HasTheRightSignBelowZero) {
  EXPECT_NEAR(polytask::fit::delta_m({-1}, {-2}, {true}), 50, 1e-12);
  EXPECT_NEAR(polytask::fit::delta_m({-1}, {-2}, {false}), -50, 1e-12);
}

TEST(DeltaM, LeavesOutWhatCannotBeComparedWith) {
  const std::vector<bool> lower{false, false};
  EXPECT_NEAR(polytask::fit::delta_m({7, 1}, {0, 2}, lower), 50, 1e-12);
  EXPECT_NEAR(polytask::fit::delta_m({7, 1}, {NAN, 2}, lower), 50, 1e-12);
  EXPECT_TRUE(std::isnan(polytask::fit::delta_m({7, 1}, {0, 0}, lower)));
}

TEST(DeltaM, ForgivesNoMissingValueOfAMethod) {
  EXPECT_TRUE(
      std::isnan(polytask::fit::delta_m({NAN, 1}, {1, 2}, {false, false})));
}

TEST(DeltaM, WantsANumberForEachTask) {
  EXPECT_THAT(
      error_of([] { polytask::fit::delta_m({1, 2}, {1}, {false, false}); }),
      HasSubstr("expected as many values as tasks, but got 2, 1"));
}

TEST(Comparison, ComparesWithTheSameSeed) {
  const auto comparison = known_comparison();
  EXPECT_THAT(comparison.left_out(), ElementsAre("c"));
  EXPECT_THAT(
      comparison.delta_m("equal"),
      ElementsAre(
          testing::DoubleNear(15, 1e-9), testing::DoubleNear(-5, 1e-9)));
  EXPECT_THAT(comparison.delta_m("alone"), ElementsAre(0, 0));
  const auto spread = comparison.delta_m_spread("equal");
  EXPECT_NEAR(spread.mean, 5, 1e-9);
  EXPECT_NEAR(spread.deviation, std::sqrt(200.0), 1e-9);
}

TEST(Comparison, IsATable) {
  EXPECT_THAT(
      known_comparison().markdown(),
      testing::AllOf(
          testing::StartsWith(
              "| method |   a (rmse ↓) |     b (auc ↑) |    c (loss ↓) "
              "|         Δm, % | steps |   time |\n"
              "|--------|-------------:|--------------:|--------------:"
              "|--------------:|------:|-------:|\n"
              "| alone  | 1.500 ± 0.71 | 0.6500 ± 0.21 | 0.5000 ± 0.71 "
              "|             0 |     6 | 4.00 s |\n"
              "| equal  | 1.550 ± 0.92 | 0.7000 ± 0.14 |  3.500 ± 0.71 "
              "| +5.00 ± 14.14 |     2 | 1.50 s |\n\n"
              "Mean ± sample standard deviation over 2 seeds."),
          HasSubstr("at 0 or at no number: 'c'.")));
}

TEST(Comparison, HasTasksInLinesWhereThereAreMany) {
  std::vector<Comparison::Task> tasks;
  for (const auto* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i|j"}) {
    tasks.push_back({name});
  }
  const std::vector<std::vector<double>> values(9, {1});
  const Comparison comparison(
      {0}, tasks, {{"alone", values, {9}, {1}}, {"equal", values, {1}, {1}}});
  EXPECT_THAT(
      comparison.markdown(),
      testing::AllOf(
          testing::StartsWith("| method        |  alone |  equal |\n"),
          HasSubstr("| i\\|j (loss ↓) |  1.000 |  1.000 |\n"),
          HasSubstr("| Δm, %         |      0 |  +0.00 |\n"),
          HasSubstr("One seed")));
}

TEST(Comparison, WritesALineForEachNumber) {
  EXPECT_THAT(
      known_comparison().csv(),
      testing::AllOf(
          testing::StartsWith(
              "method,seed,task,metric,value,better_by_percent\n"
              "alone,0,a,rmse,1,0\n"),
          HasSubstr("\nequal,1,c,loss,4,nan\n"),
          HasSubstr("\nequal,1,,delta_m,-5.0"),
          HasSubstr("\nalone,1,,steps,6,\nalone,1,,seconds,5,\n")));
}

TEST(Comparison, WritesAPage) {
  const std::string path = testing::TempDir() + "comparison.html";
  known_comparison().write_report(path, "Two and two");
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  EXPECT_THAT(
      page.str(),
      testing::AllOf(
          HasSubstr("<h1>Two and two</h1>"),
          HasSubstr("<h2>Methods</h2>"),
          HasSubstr("all runs of 2 methods with 2 seeds"),
          HasSubstr("rmse, equal, seed 1")));
}

TEST(Comparison, NamesWhatThereIsNot) {
  const auto comparison = known_comparison();
  EXPECT_THAT(
      error_of([&] { comparison.method("moco"); }),
      HasSubstr("no method 'moco'; there are 'alone', 'equal'."));
  EXPECT_THAT(
      error_of([&] { comparison.values("alone", "d"); }),
      HasSubstr("no task 'd'; there are 'a', 'b', 'c'."));
  EXPECT_THAT(
      error_of(
          [] { Comparison({0}, {{"a"}}, {{"alone", {{1, 2}}, {1}, {1}}}); }),
      HasSubstr("method 'alone': expected values [1][1]"));
}

TEST(Compare, TrainsEachTaskAloneAndAllTogether) {
  const auto comparison =
      polytask::fit::compare(compared_model, small_comparison());
  ASSERT_EQ(comparison.methods().size(), 3);
  EXPECT_EQ(comparison.methods()[2].name, "pcgrad");
  EXPECT_THAT(comparison.seeds(), ElementsAre(3, 5));
  EXPECT_EQ(comparison.tasks()[1].name, "size");
  EXPECT_FALSE(comparison.tasks()[1].higher_is_better);
  EXPECT_THAT(comparison.method("alone").steps, ElementsAre(16, 16));
  EXPECT_THAT(comparison.method("equal").steps, ElementsAre(8, 8));
  EXPECT_NE(
      comparison.values("equal", "sum"), comparison.values("pcgrad", "sum"));
  EXPECT_NE(
      comparison.values("equal", "sum")[0],
      comparison.values("equal", "sum")[1]);
}

TEST(Compare, IsATrainingByHand) {
  const auto options = small_comparison();
  const auto comparison = polytask::fit::compare(compared_model, options);
  torch::manual_seed(5);
  auto model = compared_model({"size"});
  const auto cut = [](const Dataset& rows) {
    return Dataset(rows.inputs(), {{"size", rows.target("size")}});
  };
  polytask::data::Loader loader(
      cut(options.train()),
      polytask::data::LoaderOptions().batch_size(10).seed(5));
  polytask::JointTraining training(model, torch::optim::AdamOptions(1e-2));
  polytask::fit::Fit(
      training,
      loader,
      FitOptions()
          .epochs(2)
          .validation(cut(options.validation()))
          .progress(polytask::fit::ProgressKind::kSilent))
      .run();
  EXPECT_EQ(
      comparison.values("alone", "size")[1],
      polytask::fit::evaluate(model, cut(options.test()))["size/rmse"]);
}

TEST(Compare, GivesTheSameNumbersAndLeavesTheGeneratorsAlone) {
  const auto first = polytask::fit::compare(compared_model, small_comparison());
  torch::manual_seed(77);
  const auto expected = torch::rand({3});
  torch::manual_seed(77);
  const auto options = small_comparison(); // draws
  torch::manual_seed(77);
  const auto second = polytask::fit::compare(compared_model, options);
  EXPECT_TRUE(torch::equal(torch::rand({3}), expected));
  EXPECT_EQ(without_time(first), without_time(second));
}

TEST(Compare, ClonesSchedulers) {
  const auto rates = std::make_shared<polytask::optim::CosineScheduler>(
      polytask::optim::CosineSchedulerOptions(8));
  auto options = small_comparison().seeds({3});
  options.fit().scheduler(rates);
  const auto comparison = polytask::fit::compare(compared_model, options);
  EXPECT_EQ(rates->steps(), 0);
  const auto again =
      polytask::fit::compare(compared_model, options.methods({}));
  EXPECT_EQ(comparison.values("equal", "sum"), again.values("equal", "sum"));
}

TEST(Compare, TakesMethodsWithOptions) {
  const auto comparison = polytask::fit::compare(
      compared_model,
      small_comparison()
          .seeds({3})
          .metric("sum", "r2")
          .methods({{"little", cagrad(0.1)}, {"much", cagrad(0.9)}}));
  EXPECT_NE(
      comparison.values("little", "sum"), comparison.values("much", "sum"));
  EXPECT_TRUE(comparison.tasks()[0].higher_is_better);
  EXPECT_EQ(comparison.tasks()[1].metric, "rmse");
}

TEST(Compare, ReadsBackWhatHasEnded) {
  const auto counts = std::make_shared<CountFits>();
  auto options = small_comparison().folder(comparison_folder("again"));
  options.fit().callback(counts);
  const auto first = polytask::fit::compare(compared_model, options);
  EXPECT_EQ(counts->begun, 8);
  EXPECT_EQ(first.csv(), polytask::fit::compare(compared_model, options).csv());
  EXPECT_EQ(counts->begun, 8);

  const auto other =
      polytask::fit::compare(compared_model, options.metric("loss"));
  EXPECT_EQ(counts->begun, 8);
  EXPECT_NE(other.values("equal", "sum"), first.values("equal", "sum"));

  polytask::fit::compare(compared_model, options.methods({"pcgrad", "mgda"}));
  EXPECT_EQ(counts->begun, 10);
  options.fit().epochs(3);
  polytask::fit::compare(compared_model, options);
  EXPECT_EQ(counts->begun, 20);
  options.fit().epochs(2);
  EXPECT_EQ(
      without_time(first),
      without_time(polytask::fit::compare(
          compared_model, options.methods({"pcgrad"}).metric("rmse"))));
  EXPECT_EQ(counts->begun, 20);
}

TEST(Compare, GoesOnWithAHalfRun) {
  const auto expected =
      polytask::fit::compare(compared_model, small_comparison());
  const auto folder = comparison_folder("half");
  const auto fails = std::make_shared<CountFits>();
  fails->fails_at = 30; // in the last epoch of the fourth run
  auto half = small_comparison().folder(folder);
  half.fit().callback(fails);
  EXPECT_THROW(
      polytask::fit::compare(compared_model, half), CountFits::Failure);
  EXPECT_EQ(fails->begun, 4);
  const auto counts = std::make_shared<CountFits>();
  auto rest = small_comparison().folder(folder);
  rest.fit().callback(counts);
  EXPECT_EQ(
      without_time(expected),
      without_time(polytask::fit::compare(compared_model, rest)));
  EXPECT_EQ(counts->begun, 5);
  EXPECT_EQ(counts->steps, 64 - 30);
}

TEST(Compare, EndsAtASignal) {
  const auto interrupts = std::make_shared<CountFits>();
  interrupts->interrupts_at = 11;
  auto options =
      small_comparison().seeds({3}).folder(comparison_folder("signal"));
  options.fit().callback(interrupts);
  EXPECT_THAT(
      error_of([&] { polytask::fit::compare(compared_model, options); }),
      HasSubstr("alone 'size', seed 3: interrupted by SIGINT; the same call"));
  polytask::fit::compare(compared_model, options);
  EXPECT_EQ(interrupts->steps, 32);
}

TEST(Compare, KeepsCheckpointsOfEndedRunsWhereWanted) {
  const auto checkpoints = [](const std::string& folder) {
    int count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      count += entry.path().extension() == ".safetensors";
    }
    return count;
  };
  auto options = small_comparison().seeds({3}).methods({});
  const auto without = comparison_folder("without");
  polytask::fit::compare(compared_model, options.folder(without));
  EXPECT_EQ(checkpoints(without), 0);
  const auto with = comparison_folder("with");
  polytask::fit::compare(
      compared_model, options.folder(with).keep_checkpoints(true));
  EXPECT_GE(checkpoints(with), 3);
}

TEST(Compare, RefusesTheFolderOfOtherData) {
  const auto folder = comparison_folder("data");
  const auto options = small_comparison().seeds({3}).methods({}).folder(folder);
  polytask::fit::compare(compared_model, options);
  auto other =
      CompareOptions(options.train(), compared_rows(20, 9), options.test())
          .optimizer(torch::optim::AdamOptions(1e-2))
          .fit(options.fit())
          .folder(folder);
  EXPECT_THAT(
      error_of([&] { polytask::fit::compare(compared_model, other); }),
      testing::AllOf(
          HasSubstr("compare: the folder " + folder + " is of other data: "),
          HasSubstr("validation input input was Float [20, 4] ")));
}

TEST(Compare, SaysWhichRunWentWrong) {
  const auto make = [](const std::vector<std::string>& tasks) {
    auto model = compared_model(tasks);
    if (tasks.size() == 1 && tasks[0] == "size") {
      model->replace_head("size", torch::nn::Linear(9, 1));
    }
    return model;
  };
  EXPECT_THAT(
      error_of([&] { polytask::fit::compare(make, small_comparison()); }),
      HasSubstr("compare: alone 'size', seed 3: "));
}

TEST(Compare, WantsTheTasksItAskedFor) {
  const auto make = [](const std::vector<std::string>&) {
    return compared_model({"sum"});
  };
  EXPECT_THAT(
      error_of([&] { polytask::fit::compare(make, small_comparison()); }),
      HasSubstr("asked for the tasks 'sum', 'size', but its model has 'sum'."));
}

TEST(Compare, SaysAtOnceWhatDoesNotFit) {
  const auto refused = [](CompareOptions options) {
    return error_of([&] { polytask::fit::compare(compared_model, options); });
  };
  const auto rows = compared_rows(8, 1);
  const Dataset fewer(rows.inputs(), {{"sum", rows.target("sum")}});
  const Dataset empty(
      rows.inputs(),
      {{"sum", rows.target("sum")}, {"size", torch::full({8, 1}, NAN)}});
  EXPECT_THAT(
      refused(CompareOptions(rows, rows, fewer)),
      HasSubstr("expected options of an optimizer"));
  const auto with = [](CompareOptions options) {
    return options.optimizer(torch::optim::SGDOptions(0.1));
  };
  EXPECT_THAT(
      refused(with({rows, rows, fewer})),
      HasSubstr("the test data lack the task 'size'; they have 'sum'."));
  EXPECT_THAT(
      refused(with({rows, fewer, rows})),
      HasSubstr("the validation data lack the task 'size'"));
  EXPECT_THAT(
      refused(with({rows, rows, empty})),
      HasSubstr("task 'size' has no label in the test data."));
  EXPECT_THAT(
      refused(small_comparison().seeds({})), HasSubstr("at least one seed"));
  EXPECT_THAT(
      refused(small_comparison().seeds({1, 1})),
      HasSubstr("the seed 1 comes twice"));
  EXPECT_THAT(
      refused(small_comparison().metric("auc")),
      HasSubstr("task 'sum' has no metric 'auc'; it has 'loss', 'rmse', 'r2'"));
  EXPECT_THAT(
      refused(small_comparison().metric("width", "rmse")),
      HasSubstr("the metric 'rmse' is for the task 'width'"));
  EXPECT_THAT(
      refused(small_comparison().methods({"pcgrad", "pcgrad"})),
      HasSubstr("two methods 'pcgrad'"));
  EXPECT_THAT(
      refused(
          small_comparison().fit(FitOptions().epochs(1).monitor("sum/loss"))),
      HasSubstr("FitOptions::monitor: expected 'mean/<metric>'"));
  EXPECT_THAT(
      refused(small_comparison().fit(FitOptions().epochs(1).folder("here"))),
      HasSubstr("FitOptions may have no validation, folder or outer"));
  EXPECT_THAT(
      error_of([] { polytask::fit::CompareMethod("pcgrat"); }),
      HasSubstr("there is no method 'pcgrat'"));
}

} // namespace
