// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/fit.h>

#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/optim/schedulers/cosine.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/metrics/errors.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/torch.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <functional>

#include "tests/support/errors.h"
#include "tests/support/warnings.h"

namespace {

namespace fit = polytask::fit;
using fit::FitOptions;
using polytask::testing::error_of;

FitOptions quiet() {
  return FitOptions().progress(fit::ProgressKind::kSilent);
}

polytask::data::Dataset two_task_rows(int64_t count) {
  auto x = torch::randn({count, 4});
  return {x, {{"sum", x.sum(1, true)}, {"size", x.norm(2, 1, true)}}};
}

// With dropout and BatchNorm, whose states a resume has to bring back.
struct FitJob {
  explicit FitJob(
      const std::string& balancing = "",
      polytask::JointTrainingOptions options = {}) {
    torch::manual_seed(1);
    train = std::make_unique<polytask::data::Loader>(
        two_task_rows(60), polytask::data::LoaderOptions().batch_size(16));
    valid = std::make_unique<polytask::data::Dataset>(two_task_rows(20));
    model = polytask::MultiTaskModel(torch::nn::Sequential(
        torch::nn::Linear(4, 8),
        torch::nn::BatchNorm1d(8),
        torch::nn::ReLU(),
        torch::nn::Dropout(0.2)));
    for (const auto* name : {"sum", "size"}) {
      model->add_task(
          name, polytask::Task(torch::nn::Linear(8, 1), polytask::MSELoss()));
    }
    if (!balancing.empty()) {
      options.balancing(polytask::balancing::make(balancing));
    }
    training = std::make_unique<polytask::JointTraining>(
        model, torch::optim::AdamOptions(1e-2), options);
  }

  std::vector<torch::Tensor> weights() const {
    std::vector<torch::Tensor> all;
    for (const auto& tensors : {model->parameters(), model->buffers()}) {
      for (const auto& tensor : tensors) {
        all.push_back(tensor.detach().clone());
      }
    }
    return all;
  }

  std::unique_ptr<polytask::data::Loader> train;
  std::unique_ptr<polytask::data::Dataset> valid;
  polytask::MultiTaskModel model = nullptr;
  std::unique_ptr<polytask::JointTraining> training;
};

void expect_same_bits(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
  }
}

std::string fresh_folder(const std::string& name) {
  const std::string path = testing::TempDir() + "fit_" + name;
  std::filesystem::remove_all(path);
  return path;
}

// Calls at each step's end.
struct AtStep : fit::Callback {
  explicit AtStep(std::function<void(fit::Fit&)> action)
      : act(std::move(action)) {}
  void on_step_end(fit::Fit& fit, const polytask::StepReport&) override {
    act(fit);
  }
  std::function<void(fit::Fit&)> act;
};

std::shared_ptr<fit::Callback> at_step(
    int64_t step, std::function<void(fit::Fit&)> action) {
  return std::make_shared<AtStep>([=](fit::Fit& fit) {
    if (fit.step() == step) {
      action(fit);
    }
  });
}

TEST(Fit, TakesTheStepsOfAPlainLoop) {
  FitJob plain;
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (const auto& batch : *plain.train) {
      plain.training->step(batch);
    }
    plain.training->end_epoch();
  }
  FitJob job;
  const auto history =
      fit::Fit(*job.training, *job.train, quiet().epochs(3)).run();
  expect_same_bits(job.weights(), plain.weights());
  EXPECT_EQ(job.training->steps(), 12);
  EXPECT_EQ(job.training->epochs(), 3);
  EXPECT_EQ(history.stop_reason(), "all epochs");
  EXPECT_EQ(history.curve("train", "sum/loss").size(), 3);
}

TEST(Fit, RecordsTheMeanLossOfTheStepsAndRates) {
  FitJob plain;
  double sum = 0;
  for (const auto& batch : *plain.train) {
    sum += plain.training->step(batch).losses[1].item<double>();
  }
  FitJob job;
  const auto history =
      fit::Fit(*job.training, *job.train, quiet().epochs(1)).run();
  EXPECT_NEAR(history.last("train", "size/loss"), sum / 4, 1e-12);
  EXPECT_EQ(history.last("train", "size/weight"), 1);
  EXPECT_EQ(history.last("train", "learning_rate"), 1e-2);
}

TEST(Fit, EndsAfterSomeSteps) {
  FitJob job;
  const auto history =
      fit::Fit(
          *job.training, *job.train, quiet().steps(6).validation(*job.valid))
          .run();
  EXPECT_EQ(job.training->steps(), 6);
  EXPECT_EQ(history.stop_reason(), "all steps");
  EXPECT_EQ(history.curve("train", "sum/loss").back().first, 6);
  EXPECT_EQ(history.curve("validation", "mean/loss").back().first, 6);
}

TEST(Fit, LeavesTheBestWeights) {
  FitJob job;
  std::vector<torch::Tensor> best;
  double least = 1e9;
  struct Keep : fit::Callback {
    std::function<void(double)> see;
    void on_validation_end(
        fit::Fit&, const std::string&, const fit::Evaluation& values) override {
      see(values["sum/loss"]);
    }
  };
  auto keep = std::make_shared<Keep>();
  keep->see = [&](double loss) {
    if (loss < least) {
      least = loss;
      best = job.weights();
    }
  };
  polytask::JointTraining wild(job.model, torch::optim::SGDOptions(0.4));
  fit::Fit(
      wild,
      *job.train,
      quiet()
          .epochs(20)
          .validation(*job.valid)
          .monitor("sum/loss")
          .callback(keep))
      .run();
  expect_same_bits(job.weights(), best);
  EXPECT_NEAR(fit::evaluate(job.model, *job.valid)["sum/loss"], least, 1e-12);
}

TEST(Fit, StopsEarlyWhereNothingGetsBetter) {
  FitJob job;
  polytask::JointTraining still(job.model, torch::optim::SGDOptions(1e-30));
  job.model->eval();
  const auto history =
      fit::Fit(
          still,
          *job.train,
          quiet()
              .epochs(100)
              .validation(fit::EvaluationData(job.train->dataset().batch()))
              .early_stopping(
                  fit::EarlyStopping("mean/loss").patience(3).min_delta(1e9)))
          .run();
  EXPECT_EQ(still.epochs(), 5);
  EXPECT_THAT(
      history.stop_reason(),
      testing::HasSubstr("early stopping: mean/loss was no better"));
}

TEST(Fit, StopsOneTaskAfterTheOther) {
  FitJob job;
  const auto history =
      fit::Fit(
          *job.training,
          *job.train,
          quiet()
              .epochs(100)
              .validation(*job.valid)
              .early_stopping(fit::EarlyStopping("loss")
                                  .patience(1)
                                  .min_delta(1e9)
                                  .each_task(fit::EachTask::kStop)))
          .run();
  EXPECT_EQ(job.training->epochs(), 3);
  EXPECT_EQ(job.model->task("sum").weight(), 0);
  EXPECT_THAT(history.stop_reason(), testing::HasSubstr("every task"));
}

TEST(Fit, JudgesNoTaskBeforeItsFirstLabel) {
  FitJob job;
  const auto unknown = torch::full({20, 1}, std::nan(""));
  fit::Fit(
      *job.training,
      *job.train,
      quiet()
          .epochs(5)
          .dry_run(false)
          .validation(polytask::data::Dataset(
              torch::randn({20, 4}), {{"sum", unknown}, {"size", unknown}}))
          .early_stopping(fit::EarlyStopping("loss").patience(0).each_task(
              fit::EachTask::kStop)))
      .run();
  EXPECT_EQ(job.training->epochs(), 5);
}

TEST(Fit, SetsRatesByAScheduler) {
  FitJob job;
  auto cosine = std::make_shared<polytask::optim::CosineScheduler>(
      polytask::optim::CosineSchedulerOptions(8));
  fit::Fit(*job.training, *job.train, quiet().steps(8).scheduler(cosine)).run();
  EXPECT_NEAR(
      job.training->optimizer().param_groups()[0].options().get_lr(), 0, 1e-12);
}

TEST(Fit, CallsBackInOrder) {
  struct Log : fit::Callback {
    std::string calls;
    void on_fit_begin(fit::Fit&) override {
      calls += "(";
    }
    void on_fit_end(fit::Fit&) override {
      calls += ")";
    }
    void on_epoch_begin(fit::Fit&) override {
      calls += "[";
    }
    void on_epoch_end(fit::Fit&) override {
      calls += "]";
    }
    void on_step_begin(fit::Fit&) override {
      calls += "s";
    }
    void on_step_end(fit::Fit&, const polytask::StepReport&) override {
      calls += "S";
    }
    void on_validation_begin(fit::Fit&) override {
      calls += "v";
    }
    void on_validation_end(
        fit::Fit&, const std::string&, const fit::Evaluation&) override {
      calls += "V";
    }
    void on_checkpoint(fit::Fit&, const std::string&) override {
      calls += "c";
    }
  };
  auto log = std::make_shared<Log>();
  FitJob job;
  fit::Fit(
      *job.training,
      *job.train,
      quiet()
          .epochs(2)
          .validation(*job.valid)
          .validation("again", *job.valid)
          .folder(fresh_folder("order"))
          .checkpoints(fit::CheckpointOptions().not_within_seconds(0))
          .callback(log))
      .run();
  EXPECT_EQ(log->calls, "([sSsSsSsSvVV]c[sSsSsSsSvVV]c)");
}

TEST(Fit, EndsWithAReasonOfACallback) {
  FitJob job;
  const auto history = fit::Fit(
                           *job.training,
                           *job.train,
                           quiet().epochs(5).callback(at_step(
                               5, [](fit::Fit& fit) { fit.stop("enough"); })))
                           .run();
  EXPECT_EQ(job.training->steps(), 5);
  EXPECT_EQ(history.stop_reason(), "enough");
}

TEST(Fit, AveragesTheWeights) {
  FitJob job;
  auto expected = job.model->parameters()[0].detach().clone();
  fit::Fit(
      *job.training,
      *job.train,
      quiet().steps(5).averaging(0.9).callback(
          std::make_shared<AtStep>([&](fit::Fit& fit) {
            expected =
                expected * 0.9 + fit.model()->parameters()[0].detach() * 0.1;
          })))
      .run();
  EXPECT_TRUE(
      torch::allclose(job.model->parameters()[0], expected, 1e-5, 1e-6));
}

TEST(Fit, AccumulatesBatches) {
  FitJob job;
  fit::Fit(*job.training, *job.train, quiet().epochs(2).accumulate(3)).run();
  EXPECT_EQ(job.training->steps(), 4);
}

TEST(Fit, GivesMethodsTheBatchesTheyNeed) {
  FitJob several("moco");
  for (const auto* method : {"modo", "sdmgrad", "moml"}) {
    FitJob job(method);
    fit::Fit(*job.training, *job.train, quiet().epochs(2)).run();
    EXPECT_EQ(job.training->steps(), 2) << method; // 4 batches, 3 for a step
  }
  FitJob job("moml");
  polytask::data::Loader outer(*job.valid);
  fit::Fit(*job.training, *job.train, quiet().epochs(2).outer(outer)).run();
  EXPECT_EQ(job.training->steps(), 4);
}

TEST(Fit, DrawsTasksWithDataSetsOfTheirOwn) {
  FitJob job;
  polytask::data::MultiLoader apart(
      {polytask::data::Dataset(
           torch::randn({32, 4}), {{"sum", torch::randn({32, 1})}}),
       polytask::data::Dataset(
           torch::randn({64, 4}), {{"size", torch::randn({64, 1})}})},
      polytask::data::LoaderOptions().batch_size(16));
  polytask::AlternatingTraining alternating(
      job.model, torch::optim::SGDOptions(0.01));
  fit::Fit(alternating, apart, quiet().epochs(2)).run();
  EXPECT_EQ(alternating.steps(), 12);
  polytask::JointTraining joint(job.model, torch::optim::SGDOptions(0.01));
  fit::Fit(joint, apart, quiet().epochs(2)).run();
  EXPECT_EQ(joint.steps(), 8);
}

TEST(Fit, TakesOneBatchAndACallable) {
  FitJob job;
  const auto batch = job.train->dataset().batch();
  fit::Fit(*job.training, batch, quiet().epochs(7)).run();
  EXPECT_EQ(job.training->steps(), 7);
  int64_t calls = 0;
  const std::function<std::optional<polytask::Batch>()> next =
      [&]() -> std::optional<polytask::Batch> {
    return ++calls % 4 == 0 ? std::nullopt : std::optional(batch);
  };
  fit::Fit(*job.training, next, quiet().epochs(2)).run();
  EXPECT_EQ(job.training->steps(), 13);
}

// What a training gives that is stopped after some step and taken up again.
class ResumedFit : public testing::TestWithParam<int64_t> {};

TEST_P(ResumedFit, GoesOnToTheBit) {
  const auto options = [&](FitJob& job, const std::string& folder) {
    return quiet()
        .epochs(6)
        .validation(*job.valid)
        .averaging(0.9)
        .early_stopping(fit::EarlyStopping("sum/loss").patience(2))
        .scheduler(std::make_shared<polytask::optim::CosineScheduler>(
            polytask::optim::CosineSchedulerOptions(24)))

        .best_of_each_task("loss")
        .folder(folder);
  };
  FitJob whole("pcgrad");
  const auto expected =
      fit::Fit(
          *whole.training, *whole.train, options(whole, fresh_folder("whole")))
          .run();
  const auto folder = fresh_folder("parts");
  FitJob first("pcgrad");
  struct Failure : std::exception {};
  const auto fails = at_step(GetParam(), [](fit::Fit&) { throw Failure(); });
  EXPECT_THROW(
      fit::Fit(
          *first.training, *first.train, options(first, folder).callback(fails))
          .run(),
      Failure);
  FitJob second("pcgrad");
  torch::manual_seed(99);
  fit::Fit resumed(*second.training, *second.train, options(second, folder));
  const auto history = resumed.run();
  expect_same_bits(second.weights(), whole.weights());
  EXPECT_EQ(second.training->steps(), whole.training->steps());
  EXPECT_EQ(history.stop_reason(), expected.stop_reason());
  ASSERT_EQ(history.records().size(), expected.records().size());
  for (size_t i = 0; i < history.records().size(); ++i) {
    EXPECT_EQ(history.records()[i].values, expected.records()[i].values);
    EXPECT_EQ(history.records()[i].step, expected.records()[i].step);
  }
  resumed.use_best("size");
}

INSTANTIATE_TEST_SUITE_P(
    AtAnyStep, ResumedFit, testing::Values(1, 3, 4, 5, 11, 12, 23));

TEST(Fit, FinishesTheStepAtASignalAndGoesOnLater) {
  FitJob whole;
  fit::Fit(*whole.training, *whole.train, quiet().epochs(3)).run();
  const auto folder = fresh_folder("signal");
  FitJob first;
  const auto history = fit::Fit(
                           *first.training,
                           *first.train,
                           quiet().epochs(3).folder(folder).callback(at_step(
                               6, [](fit::Fit&) { std::raise(SIGINT); })))
                           .run();
  EXPECT_EQ(history.stop_reason(), "interrupted by SIGINT");
  EXPECT_EQ(first.training->steps(), 6);
  FitJob second;
  fit::Fit(*second.training, *second.train, quiet().epochs(3).folder(folder))
      .run();
  expect_same_bits(second.weights(), whole.weights());
}

TEST(Fit, SaysAtOnceWhatDoesNotFit) {
  FitJob job;
  const auto refused = [&](FitOptions options) {
    return error_of(
        [&] { fit::Fit(*job.training, *job.train, options).run(); });
  };
  EXPECT_THAT(
      refused(quiet()), testing::HasSubstr("number of epochs or of steps"));
  EXPECT_THAT(
      refused(quiet().epochs(1).early_stopping(fit::EarlyStopping())),
      testing::HasSubstr("early_stopping needs a validation"));
  EXPECT_THAT(
      refused(quiet().epochs(1).validation(*job.valid).monitor("sum/auc")),
      testing::AllOf(
          testing::HasSubstr("FitOptions::monitor: "),
          testing::HasSubstr("'sum/loss'")));
  EXPECT_THAT(
      refused(quiet()
                  .epochs(1)
                  .validation(*job.valid)
                  .early_stopping(fit::EarlyStopping("rmse").each_task(
                      fit::EachTask::kFreeze))),
      testing::HasSubstr("FitOptions::early_stopping: "));
  EXPECT_THAT(
      refused(quiet().epochs(1).validation(polytask::data::Dataset(
          torch::randn({20, 5}),
          {{"sum", torch::ones({20, 1})}, {"size", torch::ones({20, 1})}}))),
      testing::AllOf(
          testing::HasSubstr("dry run on the rows of 'validation'"),
          testing::HasSubstr("sharing.trunk.0"),
          testing::HasSubstr("in_features=4"),
          testing::HasSubstr("[20, 5]")));
  EXPECT_THAT(
      refused(quiet().epochs(1).validation(polytask::data::Dataset(
          torch::randn({20, 4}),
          {{"sum", torch::full({20, 1}, std::nan(""))},
           {"size", torch::ones({20, 1})}}))),
      testing::HasSubstr(
          "task 'sum' has no label in the rows of 'validation'"));
  EXPECT_EQ(job.training->steps(), 0);
  EXPECT_EQ(job.train->state().position, 0);
}

TEST(Fit, WantsALabelOfEachTaskItTrains) {
  FitJob job;
  polytask::data::Loader loader(polytask::data::Dataset(
      torch::randn({20, 4}), {{"sum", torch::ones({20, 1})}}));
  EXPECT_THAT(
      error_of(
          [&] { fit::Fit(*job.training, loader, quiet().epochs(1)).run(); }),
      testing::HasSubstr("task 'size' has no label in the training data"));
  job.model->task("size").weight(0);
  fit::Fit(*job.training, loader, quiet().epochs(1)).run();
}

TEST(Fit, SavesWhatWasDoneWhereACallbackThrows) {
  const auto folder = fresh_folder("throws");
  FitJob job;
  EXPECT_THROW(
      fit::Fit(
          *job.training,
          *job.train,
          quiet().epochs(3).folder(folder).callback(
              at_step(6, [](fit::Fit&) { throw std::runtime_error("mine"); })))
          .run(),
      std::runtime_error);
  EXPECT_TRUE(
      std::filesystem::exists(folder + "/checkpoint-000000006.safetensors"));
}

TEST(Fit, EndsEpochsWhereTheBatchesEndToo) {
  for (const int64_t length : {2, 4}) {
    FitJob job;
    fit::Fit(
        *job.training, *job.train, quiet().epochs(6).steps_per_epoch(length))
        .run();
    EXPECT_EQ(job.training->steps(), 6 * length);
  }
  FitJob job;
  fit::Fit(
      *job.training,
      *job.train,
      quiet().epochs(4).accumulate(3).steps_per_epoch(1))
      .run();
  EXPECT_EQ(job.training->steps(), 4);
}

// Throws once, where it is told to.
struct ThrowOnce : fit::Callback {
  explicit ThrowOnce(bool in_validation) : in_validation_(in_validation) {}
  void on_validation_begin(fit::Fit& fit) override {
    fail(in_validation_ && fit.epoch() == 2);
  }
  void on_epoch_end(fit::Fit& fit) override {
    fail(!in_validation_ && fit.epoch() == 2);
  }
  static void fail(bool here) {
    if (here) {
      throw std::runtime_error("mine");
    }
  }
  bool in_validation_;
};

TEST(Fit, DoesWhatWasDueWhenItIsTakenUpAgain) {
  const auto options = [](FitJob& job, const std::string& folder) {
    return quiet()
        .epochs(4)
        .validation(*job.valid)
        .folder(folder)
        .scheduler(
            std::make_shared<polytask::optim::CosineScheduler>(
                polytask::optim::CosineSchedulerOptions(4)),
            fit::Every::kEpoch);
  };
  FitJob whole;
  const auto expected = fit::Fit(
                            *whole.training,
                            *whole.train,
                            options(whole, fresh_folder("due_whole")))
                            .run();
  for (const bool in_validation : {true, false}) {
    const auto folder = fresh_folder("due");
    FitJob first;
    auto planned = options(first, folder);
    planned.callback(std::make_shared<ThrowOnce>(in_validation));
    EXPECT_THROW(
        fit::Fit(*first.training, *first.train, planned).run(),
        std::runtime_error);
    FitJob second;
    const auto history =
        fit::Fit(*second.training, *second.train, options(second, folder))
            .run();
    expect_same_bits(second.weights(), whole.weights());
    EXPECT_EQ(history.records().size(), expected.records().size());
  }
}

TEST(Fit, AveragesFromTheWeightsWithWhichItBegins) {
  FitJob job;
  fit::Fit fit(*job.training, *job.train, quiet().steps(1).averaging(0.9));
  {
    torch::NoGradGuard no_grad;
    job.model->parameters()[0].fill_(100);
  }
  fit.run();
  EXPECT_GT(job.model->parameters()[0].min().item<float>(), 99);
}

TEST(Fit, JudgesByTheTasksThatHaveLabels) {
  FitJob job;
  job.model->task("size").weight(0);
  const auto nothing = torch::full({20, 1}, std::nan(""));
  const polytask::data::Dataset valid(
      job.valid->input(),
      {{"sum", job.valid->target("sum")}, {"size", nothing}});
  const auto history =
      fit::Fit(*job.training, *job.train, quiet().epochs(3).validation(valid))
          .run();
  EXPECT_EQ(
      history.last("validation", "mean/loss"),
      history.last("validation", "sum/loss"));
}

// What is validated out of turn where it stops is not what goes on later.
TEST(Fit, GoesOnWithMoreStepsAsIfItHadNotStopped) {
  const auto options = [](const std::string& folder, const FitJob& job) {
    auto plan = quiet().folder(folder).validation(*job.valid).averaging(0.9);
    plan.events(false).report(false);
    return plan.plateau(
        polytask::optim::ReduceLROnPlateauOptions().patience(0));
  };
  FitJob whole;
  const auto expected =
      fit::Fit(
          *whole.training,
          *whole.train,
          options(fresh_folder("more_whole"), whole).steps(21))
          .run();
  const auto folder = fresh_folder("more");
  for (const int64_t steps : {6, 7}) {
    FitJob part;
    fit::Fit(*part.training, *part.train, options(folder, part).steps(steps))
        .run();
  }
  FitJob stopped;
  auto stopping = options(folder, stopped).steps(21);
  stopping.callback(
      at_step(10, [](fit::Fit& fit) { fit.stop("enough for now"); }));
  fit::Fit(*stopped.training, *stopped.train, stopping).run();
  FitJob rest;
  const auto history =
      fit::Fit(*rest.training, *rest.train, options(folder, rest).steps(21))
          .run();
  expect_same_bits(rest.weights(), whole.weights());
  ASSERT_EQ(history.records().size(), expected.records().size());
  for (size_t i = 0; i < history.records().size(); ++i) {
    EXPECT_EQ(history.records()[i].step, expected.records()[i].step);
    EXPECT_EQ(history.records()[i].values, expected.records()[i].values);
  }
}

TEST(Fit, RefusesTheBestWeightsWhileTheAveragesAreValidated) {
  struct UseBest : fit::Callback {
    void on_validation_end(
        fit::Fit& fit, const std::string&, const fit::Evaluation&) override {
      fit.use_best();
    }
  };
  FitJob job;
  EXPECT_THAT(
      error_of([&] {
        fit::Fit(
            *job.training,
            *job.train,
            quiet()
                .epochs(2)
                .averaging(0.9)
                .validation(*job.valid)
                .callback(std::make_shared<UseBest>()))
            .run();
      }),
      testing::HasSubstr("call it in on_epoch_end"));
}

TEST(Fit, AveragesInSingleWhatIsHalfAndFollowsTheModelsType) {
  torch::manual_seed(3);
  polytask::MultiTaskModel model;
  model->add_task(
      "y", polytask::Task(torch::nn::Linear(3, 1), polytask::MSELoss()));
  model->to(torch::kBFloat16);
  auto x = torch::randn({64, 3}, torch::kBFloat16);
  const polytask::Batch batch(x, {{"y", x.sum(1, true)}});
  polytask::JointTraining training(model, torch::optim::SGDOptions(1e-2));
  torch::Tensor expected =
      model->parameters()[0].detach().to(torch::kDouble, false, true);
  auto options = quiet().steps(40).steps_per_epoch(40).averaging(0.99);
  options.callback(std::make_shared<AtStep>([&](fit::Fit& fit) {
    expected.lerp_(
        fit.model()->parameters()[0].detach().to(torch::kDouble), 0.01);
  }));
  fit::Fit(training, fit::TrainingData(batch), options).run();
  EXPECT_TRUE(
      torch::equal(model->parameters()[0], expected.to(torch::kBFloat16)));

  FitJob job;
  auto moved = quiet().epochs(1).averaging(0.5);
  moved.callback(at_step(4, [](fit::Fit& fit) {
    polytask::MultiTaskModel(fit.model())->to(torch::kDouble);
  }));
  fit::Fit(*job.training, *job.train, moved).run();
  EXPECT_EQ(job.model->parameters()[0].scalar_type(), torch::kDouble);
}

TEST(Fit, KeepsTheLastWeightsWhereTheBestAreOfAnotherHead) {
  FitJob job;
  auto options = quiet().epochs(2).validation(*job.valid).averaging(0.9);
  options.validate_every_epochs(5); // the first after the last step
  options.validate_every_steps(2);
  options.callback(at_step(7, [](fit::Fit& fit) {
    polytask::MultiTaskModel model = fit.model();
    model->replace_head(
        "sum",
        torch::nn::Sequential(
            torch::nn::Linear(8, 3), torch::nn::Linear(3, 1)));
    fit.stop("another head");
  }));
  struct NoNumber : fit::Callback {
    void on_validation_begin(fit::Fit& fit) override {
      if (fit.step() == 7) {
        torch::NoGradGuard no_grad;
        polytask::MultiTaskModel model = fit.model();
        for (auto& parameter : model->parameters()) {
          parameter.fill_(1e3);
        }
      }
    }
  };
  options.callback(std::make_shared<NoNumber>());
  const polytask::testing::Warnings warnings("Fit: ");
  fit::Fit fit(*job.training, *job.train, options);
  fit.run();
  EXPECT_THAT(
      warnings.texts, testing::Contains(testing::HasSubstr("tasks.sum")));
  EXPECT_THAT(
      error_of([&] { fit.use_best(); }), testing::HasSubstr("tasks.sum"));
}

TEST(Fit, SaysWhenEachTaskWasStopped) {
  FitJob job;
  const auto history =
      fit::Fit(
          *job.training,
          *job.train,
          quiet()
              .epochs(50)
              .validation(*job.valid)
              .early_stopping(fit::EarlyStopping("loss")
                                  .patience(0)
                                  .min_delta(100)
                                  .each_task(fit::EachTask::kFreeze)))
          .run();
  EXPECT_THAT(
      history.stop_reason(),
      testing::HasSubstr("'sum' after epoch 2, 'size' after epoch 2"));
}

TEST(Fit, GoesOnForATaskThatIsNotJudged) {
  FitJob job;
  job.model->task("sum").metric(polytask::RMSE());
  const polytask::testing::Warnings warnings("EarlyStopping: ");
  const auto history =
      fit::Fit(
          *job.training,
          *job.train,
          quiet()
              .epochs(6)
              .validation(*job.valid)
              .early_stopping(fit::EarlyStopping("rmse")
                                  .patience(0)
                                  .min_delta(100)
                                  .each_task(fit::EachTask::kFreeze)))
          .run();
  EXPECT_EQ(history.stop_reason(), "all epochs");
  EXPECT_THAT(
      warnings.texts, testing::ElementsAre(testing::HasSubstr("'size'")));
}

TEST(Fit, WantsAMetricAloneToStopEachTask) {
  FitJob job;
  EXPECT_THAT(
      error_of([&] {
        fit::Fit(
            *job.training,
            *job.train,
            quiet()
                .epochs(1)
                .validation(*job.valid)
                .early_stopping(fit::EarlyStopping("sum/loss")
                                    .each_task(fit::EachTask::kStop)));
      }),
      testing::HasSubstr("a metric alone, such as 'loss', but got 'sum/loss'"));
}

TEST(Fit, TellsOnceOfTheErrorThatEndedIt) {
  FitJob job;
  auto options = quiet().steps(3);
  options.callback(at_step(2, [](fit::Fit&) {
    throw std::runtime_error("the disk of mine is full\nand more");
  }));
  fit::Fit fit(*job.training, *job.train, options);
  EXPECT_THROW(fit.run(), std::runtime_error);
  EXPECT_EQ(fit.history().stop_reason(), "an error: the disk of mine is full");
}

TEST(Fit, CountsNoTimeWhereItDoesNotBegin) {
  FitJob job;
  fit::Fit fit(
      *job.training,
      *job.train,
      quiet().epochs(1).validation(*job.valid).monitor("sum/nothing"));
  EXPECT_NE(error_of([&] { fit.run(); }), "");
  EXPECT_EQ(fit.seconds(), 0);
}

TEST(Fit, LeavesAHandlerThatWasSetMeanwhile) {
  FitJob job;
  auto options = quiet().steps(3);
  options.callback(
      at_step(1, [](fit::Fit&) { std::signal(SIGTERM, SIG_IGN); }));
  fit::Fit(*job.training, *job.train, options).run();
  EXPECT_EQ(std::signal(SIGTERM, SIG_DFL), SIG_IGN);
}

// As a program that was exported with a batch of four.
struct TrunkOfFourImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    TORCH_CHECK(x.size(0) == 4, "four rows, not ", x.size(0));
    return linear(x);
  }
  torch::nn::Linear linear = register_module("linear", torch::nn::Linear(4, 8));
};
TORCH_MODULE(TrunkOfFour);

TEST(Fit, TriesBatchesOfTheSizeThatStepsHave) {
  polytask::MultiTaskModel model{TrunkOfFour()};
  model->add_task(
      "sum", polytask::Task(torch::nn::Linear(8, 1), polytask::MSELoss()));
  model->add_task(
      "size", polytask::Task(torch::nn::Linear(8, 1), polytask::MSELoss()));
  polytask::JointTraining training(model, torch::optim::SGDOptions(0.01));
  polytask::data::Loader loader(
      two_task_rows(40), polytask::data::LoaderOptions().batch_size(4));
  fit::Fit(
      training,
      loader,
      quiet()
          .epochs(1)
          .validation(two_task_rows(8))
          .evaluate(fit::EvaluateOptions().batch_size(4)))
      .run();
  EXPECT_EQ(training.steps(), 10);
}

} // namespace
