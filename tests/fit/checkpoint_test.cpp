// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/fit.h>

#include <gmock/gmock.h>
#include <polytask/io/weights.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/torch.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include "fit/checkpoint_file.h"
#include "fit/checkpoint_model.h"
#include "tests/support/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/warnings.h"

namespace {

namespace fs = std::filesystem;
namespace fit = polytask::fit;
using polytask::testing::error_of;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Saves after each of its steps, of which it takes so many.
struct SavingJob {
  explicit SavingJob(std::string name, int64_t features = 3)
      : folder(std::move(name)) {
    torch::manual_seed(2);
    auto x = torch::randn({24, features});
    loader = std::make_unique<polytask::data::Loader>(
        polytask::data::Dataset(x, {{"y", x.sum(1, true)}}),
        polytask::data::LoaderOptions().batch_size(8));
    model->add_task(
        "y",
        polytask::Task(torch::nn::Linear(features, 1), polytask::MSELoss()));
    training = std::make_unique<polytask::JointTraining>(
        model, torch::optim::AdamOptions(0.1));
  }

  fit::FitOptions options(int64_t steps) const {
    return fit::FitOptions()
        .steps(steps)
        .folder(folder)
        .events(false)
        .report(false)
        .progress(fit::ProgressKind::kSilent)
        .checkpoints(
            fit::CheckpointOptions().every_steps(1).not_within_seconds(0));
  }
  fit::History run(int64_t steps) {
    return fit::Fit(*training, *loader, options(steps)).run();
  }
  torch::Tensor weight() const {
    return model->parameters()[0].detach().clone();
  }

  std::string folder;
  std::unique_ptr<polytask::data::Loader> loader;
  polytask::MultiTaskModel model;
  std::unique_ptr<polytask::JointTraining> training;
};

fs::path empty_folder(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / ("checkpoint_" + name);
  fs::remove_all(path);
  return path;
}

std::vector<std::string> checkpoints_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("checkpoint")) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Checkpoint, ShowsAFaultOfAFileOfEveryLength) {
  const auto folder = empty_folder("lengths");
  SavingJob(folder).run(1);
  const auto path = folder / "checkpoint-000000001.safetensors";
  const std::string whole = bytes_of(path);
  ASSERT_EQ(fit::detail::checkpoint_fault(path), "");
  const auto part = folder / "part";
  for (size_t length = 0; length < whole.size(); length += 97) {
    put_bytes(part, whole.substr(0, length));
    EXPECT_NE(fit::detail::checkpoint_fault(part), "") << length;
  }
  for (size_t place = 0; place < whole.size(); place += 211) {
    std::string other = whole;
    other[place] = static_cast<char>(other[place] ^ 4);
    put_bytes(part, other);
    EXPECT_NE(fit::detail::checkpoint_fault(part), "") << place;
  }
}

TEST(Checkpoint, IsPassedOverByNameWhereItIsCut) {
  const auto folder = empty_folder("cut");
  SavingJob(folder).run(5);
  SavingJob whole(empty_folder("whole"));
  whole.run(8);
  const auto newest = folder / "checkpoint-000000005.safetensors";
  put_bytes(newest, bytes_of(newest).substr(0, 1000));
  const polytask::testing::Warnings warnings("Fit: ");
  SavingJob second(folder);
  second.run(8);
  EXPECT_THAT(
      warnings.texts,
      testing::ElementsAre(testing::HasSubstr(newest.string())));
  EXPECT_TRUE(torch::equal(second.weight(), whole.weight()));
  EXPECT_EQ(second.training->steps(), 8);
}

TEST(Checkpoint, KeepsTheLastOnesAndThoseOfSomeEpochs) {
  const auto folder = empty_folder("kept");
  SavingJob job(folder);
  auto options = job.options(0).epochs(5);
  options.checkpoints().keep_last(2).keep_every_epochs(2).every_steps(0);
  fit::Fit(*job.training, *job.loader, options).run();
  EXPECT_THAT(
      checkpoints_in(folder),
      testing::ElementsAre(
          "checkpoint-000000006.safetensors",
          "checkpoint-000000012.safetensors",
          "checkpoint-000000015.safetensors"));
  SavingJob second(folder);
  options.epochs(7);
  fit::Fit(*second.training, *second.loader, options).run();
  EXPECT_THAT(
      checkpoints_in(folder),
      testing::ElementsAre(
          "checkpoint-000000006.safetensors",
          "checkpoint-000000012.safetensors",
          "checkpoint-000000018.safetensors",
          "checkpoint-000000021.safetensors"));
}

TEST(Checkpoint, OfAnotherModelIsRefusedAndNothingChanges) {
  const auto folder = empty_folder("other");
  SavingJob(folder).run(3);
  SavingJob wide(folder, 4);
  const auto before = wide.weight();
  EXPECT_THAT(
      error_of([&] { wide.run(6); }),
      testing::AllOf(
          testing::HasSubstr("cannot go on from the checkpoint"),
          testing::HasSubstr("checkpoint-000000003.safetensors"),
          testing::HasSubstr("tasks.y.weight")));
  EXPECT_TRUE(torch::equal(wide.weight(), before));
  EXPECT_EQ(wide.training->steps(), 0);
  EXPECT_EQ(wide.loader->state().position, 0);
  EXPECT_EQ(checkpoints_in(folder).size(), 3);
}

TEST(Checkpoint, OfOtherDataIsRefusedAndNothingChanges) {
  const auto folder = empty_folder("other_data");
  SavingJob(folder).run(2);
  SavingJob job(folder);
  const auto before = job.weight();
  polytask::data::Loader other(job.loader->dataset());
  EXPECT_THAT(
      error_of([&] { fit::Fit(*job.training, other, job.options(5)).run(); }),
      testing::HasSubstr("cannot go on from the checkpoint"));
  EXPECT_TRUE(torch::equal(job.weight(), before));
  EXPECT_EQ(job.training->steps(), 0);
}

TEST(Checkpoint, ClearsAwayWhatAKilledWriterLeft) {
  const auto folder = empty_folder("left");
  fs::create_directories(folder);
  put_bytes(folder / "checkpoint-000000009.safetensors.123-4.tmp", "half");
  put_bytes(folder / "history.csv.17-0.tmp", "half");
  put_bytes(folder / "mine.tmp", "mine");
  SavingJob(folder).run(1);
  EXPECT_THAT(
      checkpoints_in(folder),
      testing::ElementsAre("checkpoint-000000001.safetensors"));
  EXPECT_FALSE(fs::exists(folder / "history.csv.17-0.tmp"));
  EXPECT_TRUE(fs::exists(folder / "mine.tmp"));
}

TEST(Checkpoint, SaysWhereItCannotWrite) {
  const auto folder = empty_folder("file");
  put_bytes(folder, "no folder");
  SavingJob job(folder);
  EXPECT_THAT(
      error_of([&] { job.run(2); }),
      testing::HasSubstr("cannot make the folder " + folder.string()));
  EXPECT_EQ(job.training->steps(), 0);
}

TEST(Checkpoint, LeavesTheOldOnesWhereTheDiskIsFull) {
  const auto folder = empty_folder("full");
  SavingJob(folder).run(2);
  const auto newest = folder / "checkpoint-000000002.safetensors";
  const std::string before = bytes_of(newest);
  std::string message;
  {
    const polytask::testing::FileSizeLimit full(1000);
    message = error_of([&] { SavingJob(folder).run(4); });
  }
  EXPECT_THAT(
      message, testing::HasSubstr("Fit: cannot write " + folder.string()));
  EXPECT_EQ(bytes_of(newest), before);
  EXPECT_EQ(checkpoints_in(folder).size(), 2);
  SavingJob whole(empty_folder("enough"));
  whole.run(4);
  SavingJob second(folder);
  second.run(4);
  EXPECT_TRUE(torch::equal(second.weight(), whole.weight()));
}

TEST(Checkpoint, OfAFinishedTrainingTrainsNoFurther) {
  const auto folder = empty_folder("finished");
  SavingJob first(folder);
  const auto expected = first.run(4);
  SavingJob second(folder);
  const auto history = second.run(4);
  EXPECT_EQ(second.training->steps(), 4);
  EXPECT_EQ(history.stop_reason(), expected.stop_reason());
  EXPECT_TRUE(torch::equal(second.weight(), first.weight()));
}

TEST(Checkpoint, StaysWhereDamagedOnesHaveLaterSteps) {
  const auto folder = empty_folder("later");
  SavingJob(folder).run(3);
  put_bytes(folder / "checkpoint-000000028.safetensors", "damaged");
  put_bytes(folder / "checkpoint-000000029.safetensors", "damaged");
  const polytask::testing::Warnings warnings("Fit: ");
  SavingJob(folder).run(6);
  SavingJob third(folder);
  third.run(7);
  EXPECT_EQ(third.training->steps(), 7);
  EXPECT_TRUE(fs::exists(folder / "checkpoint-000000007.safetensors"));
  EXPECT_TRUE(fs::exists(folder / "checkpoint-000000005.safetensors"));
}

TEST(Checkpoint, IsRefusedAgainByTheNextRun) {
  const auto folder = empty_folder("again");
  SavingJob(folder).run(3);
  SavingJob wide(folder, 4);
  fit::Fit fit(*wide.training, *wide.loader, wide.options(6));
  EXPECT_NE(error_of([&] { fit.run(); }), "");
  EXPECT_NE(error_of([&] { fit.run(); }), "");
  EXPECT_EQ(wide.training->steps(), 0);
}

TEST(Checkpoint, IsNotWrittenInTheMiddleOfAStep) {
  const auto folder = empty_folder("step");
  SavingJob job(folder);
  auto x = torch::randn({24, 3});
  auto y = x.sum(1, true);
  y[12] = std::numeric_limits<float>::infinity();
  polytask::data::Loader loader(
      polytask::data::Dataset(x, {{"y", y}}),
      polytask::data::LoaderOptions().batch_size(8).shuffle(false));
  auto options = job.options(6);
  options.checkpoints().every_steps(0);
  for (int i = 0; i < 2; ++i) {
    SavingJob other(folder);
    loader.load_state({});
    EXPECT_NE(
        error_of([&] { fit::Fit(*other.training, loader, options).run(); }),
        "");
    EXPECT_EQ(other.training->steps(), 1);
  }
}

// Calls at each step's end.
struct AtEachStep : fit::Callback {
  explicit AtEachStep(std::function<void(fit::Fit&)> action)
      : act(std::move(action)) {}
  void on_step_end(fit::Fit& fit, const polytask::StepReport&) override {
    act(fit);
  }
  std::function<void(fit::Fit&)> act;
};

TEST(Checkpoint, FolderIsThatOfOneTrainingAtATime) {
  const auto folder = empty_folder("two");
  SavingJob first(folder);
  SavingJob second(folder);
  std::string message;
  auto options = first.options(3);
  options.callback(std::make_shared<AtEachStep>([&](fit::Fit& fit) {
    if (fit.step() == 2) {
      message = error_of([&] { second.run(3); });
    }
  }));
  fit::Fit(*first.training, *first.loader, options).run();
  EXPECT_THAT(
      message,
      testing::AllOf(
          testing::HasSubstr("another training is at work"),
          testing::HasSubstr(folder.string())));
  EXPECT_EQ(second.training->steps(), 0);
  second.run(4); // it is free now
  EXPECT_EQ(second.training->steps(), 4);
}

struct UnsaveableImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    return x * weight;
  }
  void save(torch::serialize::OutputArchive&) const override {
    TORCH_CHECK(false, "this head cannot be written");
  }
  torch::Tensor weight = register_parameter("weight", torch::ones({1}));
};
TORCH_MODULE(Unsaveable);

TEST(Checkpoint, OfWhatCannotBeSavedIsRefusedBeforeTheFirstStep) {
  const auto folder = empty_folder("unsaveable");
  SavingJob job(folder);
  job.model->add_task("z", polytask::Task(Unsaveable(), polytask::MSELoss()));
  auto x = torch::randn({24, 3});
  polytask::data::Loader loader(
      polytask::data::Dataset(x, {{"y", x.sum(1, true)}, {"z", x.clone()}}),
      polytask::data::LoaderOptions().batch_size(8));
  polytask::JointTraining training(job.model, torch::optim::SGDOptions(0.1));
  auto options = job.options(3);
  options.checkpoints().every_steps(0);
  EXPECT_THAT(
      error_of([&] { fit::Fit(training, loader, options).run(); }),
      testing::HasSubstr("this head cannot be written"));
  EXPECT_EQ(training.steps(), 0);
}

TEST(Checkpoint, PutsTheModelBackInItsOwnType) {
  const auto folder = empty_folder("double");
  SavingJob(folder).run(2);
  SavingJob job(folder);
  job.model->to(torch::kDouble);
  auto x = torch::randn({24, 3}, torch::kDouble);
  polytask::data::Loader loader(
      polytask::data::Dataset(x, {{"y", x.sum(1, true)}}),
      polytask::data::LoaderOptions().batch_size(8));
  const auto message =
      error_of([&] { fit::Fit(*job.training, loader, job.options(4)).run(); });
  EXPECT_EQ(job.model->parameters()[0].scalar_type(), torch::kDouble)
      << message;
}

TEST(Checkpoint, IsTakenUpWhereAnotherHasGoneOn) {
  SavingJob whole(empty_folder("gone_on_whole"));
  whole.run(8);
  const auto folder = empty_folder("gone_on");
  SavingJob first(folder);
  auto options = first.options(8);
  options.callback(std::make_shared<AtEachStep>([](fit::Fit& fit) {
    if (fit.step() == 2) {
      std::raise(SIGINT);
    }
  }));
  fit::Fit fit(*first.training, *first.loader, options);
  fit.run();
  EXPECT_TRUE(fit.is_interrupted());
  SavingJob(folder).run(6);
  fit.run();
  EXPECT_FALSE(fit.is_interrupted());
  EXPECT_EQ(first.training->steps(), 8);
  EXPECT_TRUE(torch::equal(first.weight(), whole.weight()));
}

// It has no state before it begins.
struct LateState : fit::Callback {
  void on_fit_begin(fit::Fit&) override {
    state = std::make_unique<int64_t>(3);
  }
  void on_fit_end(fit::Fit& fit) override {
    reason = fit.history().stop_reason();
    records = fit.history().records().size();
  }
  std::string name() const override {
    return "late state";
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    TORCH_CHECK(state, "it has not begun");
    archive.write("state", c10::IValue(*state));
  }
  std::unique_ptr<int64_t> state;
  std::string reason;
  size_t records = 0;
};

TEST(Checkpoint, ThatCannotBeWrittenAtTheEndLeavesTheRestToBeDone) {
  SavingJob job(empty_folder("full_end"));
  auto options = job.options(4).validation(job.loader->dataset());
  options.checkpoints().every_steps(0).every_epochs(0).keep_best(false);
  const auto callback = std::make_shared<LateState>();
  options.callback(callback);
  fit::Fit fit(*job.training, *job.loader, options);
  {
    const polytask::testing::FileSizeLimit full(1000);
    EXPECT_THAT(
        error_of([&] { fit.run(); }), testing::HasSubstr("Fit: cannot write"));
  }
  EXPECT_THAT(
      callback->reason, testing::HasSubstr("an error: Fit: cannot write"));
  EXPECT_EQ(callback->records, 4); // of two epochs, and of both validations
  EXPECT_EQ(fit.run().records().size(), 4);
}

TEST(Checkpoint, OfBeforeTheyWereSafetensorsAreRead) {
  const auto folder = empty_folder("old");
  fs::create_directories(folder);
  const auto old = folder / "checkpoint-000000003.pt";
  fs::copy_file(
      fs::path(POLYTASK_SOURCE_DIR) / "tests/fit/old_checkpoint" /
          old.filename(),
      old);
  SavingJob whole(empty_folder("old_whole"));
  whole.run(8);
  SavingJob second(folder);
  second.run(8);
  EXPECT_EQ(second.training->steps(), 8);
  // Its steps were taken on another machine.
  EXPECT_TRUE(torch::allclose(second.weight(), whole.weight(), 1e-4, 1e-5));
  EXPECT_FALSE(fs::exists(old)); // no more than the last three stay
  put_bytes(old, "damaged");
  EXPECT_THAT(fit::detail::checkpoint_fault(old), testing::HasSubstr("is cut"));
}

TEST(Checkpoint, HasWeightsThatLoadWeightsReads) {
  const auto folder = empty_folder("weights");
  SavingJob job(folder);
  job.run(2);
  SavingJob other(folder);
  const auto loaded = polytask::io::load_weights(
      *other.model, folder / "checkpoint-000000002.safetensors");
  EXPECT_EQ(loaded.loaded.size(), 2);
  EXPECT_TRUE(torch::equal(other.weight(), job.weight()));
}

// Saves more than its tensors, and has something to do when it is loaded.
struct CountingHeadImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    count += is_training() ? 1 : 0;
    return x * weight;
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    torch::nn::Module::save(archive);
    archive.write("count", c10::IValue(count));
  }
  void load(torch::serialize::InputArchive& archive) override {
    torch::nn::Module::load(archive);
    c10::IValue value;
    archive.read("count", value);
    count = value.toInt();
  }
  torch::Tensor weight = register_parameter("weight", torch::ones({1}));
  int64_t count = 0;
};
TORCH_MODULE(CountingHead);

TEST(Checkpoint, KeepsWhatAModuleSavesBesideItsWeights) {
  const auto folder = empty_folder("counting");
  const auto x = torch::randn({24, 1});
  const polytask::data::Dataset rows(x, {{"z", 2 * x}});
  const auto count_after = [&](int64_t steps) {
    polytask::MultiTaskModel model;
    CountingHead head;
    model->add_task("z", polytask::Task(head, polytask::MSELoss()));
    polytask::JointTraining training(model, torch::optim::SGDOptions(0.1));
    polytask::data::Loader loader(
        rows, polytask::data::LoaderOptions().batch_size(8));
    fit::Fit(training, loader, SavingJob(folder).options(steps)).run();
    return head->count;
  };
  const int64_t first = count_after(3);
  EXPECT_GE(first, 3);
  EXPECT_EQ(count_after(6), 2 * first - (first - 3)); // a dry run counts once
}

// What safetensors cannot hold, and what a module does when it is loaded.
struct TurningHeadImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    return x * torch::real(turn).to(x.scalar_type()) * weight;
  }
  void load(torch::serialize::InputArchive& archive) override {
    torch::nn::Module::load(archive);
    loads += 1;
  }
  torch::Tensor weight = register_parameter("weight", torch::ones({1}));
  torch::Tensor turn = register_buffer(
      "turn", torch::full({1}, 0.5, torch::dtype(torch::kComplexDouble)));
  int64_t loads = 0;
};
TORCH_MODULE(TurningHead);

TEST(Checkpoint, HoldsTensorsThatSafetensorsLack) {
  const auto folder = empty_folder("complex");
  const auto x = torch::randn({24, 1});
  const polytask::data::Dataset rows(x, {{"z", 2 * x}});
  const auto head_after = [&](int64_t steps) {
    polytask::MultiTaskModel model;
    TurningHead head;
    model->add_task("z", polytask::Task(head, polytask::MSELoss()));
    polytask::JointTraining training(model, torch::optim::SGDOptions(0.1));
    polytask::data::Loader loader(
        rows, polytask::data::LoaderOptions().batch_size(8));
    if (steps == 3) {
      torch::NoGradGuard no_grad;
      head->turn.fill_(0.25);
    }
    fit::Fit(training, loader, SavingJob(folder).options(steps)).run();
    return head;
  };
  head_after(3);
  const auto head = head_after(6);
  EXPECT_EQ(head->turn.item<c10::complex<double>>().real(), 0.25);
  EXPECT_EQ(head->loads, 1);
}

TEST(Checkpoint, LooksAgainWhereModulesAreNew) {
  polytask::MultiTaskModel model;
  model->add_task("z", polytask::LinearTask(1, 1));
  fit::detail::CheckpointModel writer;
  const auto saved = [&] {
    torch::serialize::OutputArchive archive;
    EXPECT_EQ(
        writer.save(*model, archive).tensors.size(),
        model->parameters().size());
    std::stringstream bytes;
    archive.save_to(bytes);
    torch::serialize::InputArchive read;
    read.load_from(bytes);
    return read.keys();
  };
  EXPECT_THAT(saved(), testing::Contains("weights_apart"));
  model->replace_head("z", CountingHead());
  EXPECT_THAT(saved(), testing::Not(testing::Contains("weights_apart")));
}

// Its weights are not in the order of safetensors, and `seen` is the memory of
// the first.
struct OddMemoryHeadImpl : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    return (x.matmul(weight) + seen.sum()).matmul(column);
  }
  torch::Tensor weight = register_parameter("weight", torch::randn({5, 3}).t());
  torch::Tensor seen = register_buffer("seen", weight.detach().t());
  torch::Tensor column = register_parameter("column", torch::randn({5, 1}));
};
TORCH_MODULE(OddMemoryHead);

TEST(Checkpoint, KeepsWhatSharesMemory) {
  OddMemoryHead head;
  torch::serialize::OutputArchive archive;
  polytask::MultiTaskModel model;
  model->add_task("y", polytask::Task(head, polytask::MSELoss()));
  fit::detail::CheckpointModel().save(*model, archive);
  std::stringstream bytes;
  archive.save_to(bytes);
  torch::serialize::InputArchive read;
  read.load_from(bytes);
  fit::detail::CheckpointModel::load(read, {}, *model);
  const torch::NoGradGuard no_grad;
  head->weight.fill_(7);
  EXPECT_EQ(head->seen.sum().item<float>(), 7 * 15);
  EXPECT_EQ(head->weight.strides(), torch::IntArrayRef({1, 3}));
}

TEST(Checkpoint, KeepsTheOrderOfWeightsInMemory) {
  const auto folder = empty_folder("channels_last");
  const auto x = torch::randn({24, 3, 6, 6});
  const polytask::data::Dataset rows(x, {{"z", x.flatten(1).sum(1, true)}});
  const auto weight_after = [&](int64_t steps, const fs::path& place) {
    torch::manual_seed(4);
    const torch::nn::Conv2d conv(3, 4, 3);
    const torch::NoGradGuard no_grad;
    conv->weight.set_data(
        conv->weight.contiguous(torch::MemoryFormat::ChannelsLast));
    polytask::MultiTaskModel model{
        torch::nn::Sequential(conv, torch::nn::Flatten())};
    model->add_task("z", polytask::LinearTask(64, 1));
    polytask::JointTraining training(model, torch::optim::SGDOptions(1e-3));
    polytask::data::Loader loader(
        rows, polytask::data::LoaderOptions().batch_size(8));
    const torch::AutoGradMode grad(true);
    fit::Fit(training, loader, SavingJob(place).options(steps)).run();
    return conv->weight;
  };
  const auto whole = weight_after(8, empty_folder("channels_last_whole"));
  weight_after(3, folder);
  const auto weight = weight_after(8, folder);
  EXPECT_EQ(weight.strides(), whole.strides());
  EXPECT_TRUE(torch::equal(weight, whole));
}

TEST(Checkpoint, OfANameThatIsNoTextIsRefusedBeforeTheFirstStep) {
  SavingJob job(empty_folder("no_text"));
  job.model->add_task("\xe9", polytask::LinearTask(3, 1));
  job.training = std::make_unique<polytask::JointTraining>(
      job.model, torch::optim::SGDOptions(0.1));
  const auto x = torch::randn({8, 3});
  polytask::data::Loader loader(
      polytask::data::Dataset(
          x, {{"y", x.sum(1, true)}, {"\xe9", x.sum(1, true)}}),
      polytask::data::LoaderOptions().batch_size(8));
  EXPECT_THAT(
      error_of([&] { fit::Fit(*job.training, loader, job.options(2)).run(); }),
      testing::AllOf(
          testing::HasSubstr(job.folder), testing::HasSubstr("UTF-8")));
  EXPECT_EQ(job.training->steps(), 0);
}

} // namespace
