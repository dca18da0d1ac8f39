// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Kills trainings that save all the time, at random moments, and takes them up
// again: none may go back behind a checkpoint that it had, and each must end
// with the bits of a training that was never killed.
//
//     kill [how many kills] [seed]

#include <polytask/polytask.h>
#include <torch/torch.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>

namespace {

namespace fit = polytask::fit;

constexpr int64_t kEpochs = 12;

// What a training tells the process that watches it.
struct Word {
  enum Kind : int64_t { kGoesOn, kSaved, kEnded } kind;
  int64_t number;
};

struct Tell : fit::Callback {
  explicit Tell(int file) : file_(file) {}
  void say(Word::Kind kind, int64_t number) const {
    const Word word{kind, number};
    if (::write(file_, &word, sizeof(word)) != sizeof(word)) {
      std::_Exit(3);
    }
  }
  void on_fit_begin(fit::Fit& fit) override {
    say(Word::kGoesOn, fit.step());
  }
  void on_checkpoint(fit::Fit& fit, const std::string& /*path*/) override {
    say(Word::kSaved, fit.step());
  }

 private:
  int file_;
};

int64_t hash_of(int64_t before, const void* data, size_t size) {
  auto hash = static_cast<uint64_t>(before);
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < size; ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001b3; // FNV-1a
  }
  return static_cast<int64_t>(hash);
}

// A checksum of the model, of what it was judged by, and of the generator.
int64_t train(const std::string& folder, const std::shared_ptr<Tell>& tell) {
  torch::manual_seed(1);
  const auto rows = [](int64_t count) {
    const auto x = torch::randn({count, 6});
    return polytask::data::Dataset(
        x, {{"sum", x.sum(1, true)}, {"size", x.norm(2, 1, true)}});
  };
  polytask::data::Loader train(
      rows(100), polytask::data::LoaderOptions().batch_size(16));
  const auto valid = rows(40);
  polytask::MultiTaskModel model{torch::nn::Sequential(
      torch::nn::Linear(6, 16),
      torch::nn::BatchNorm1d(16),
      torch::nn::ReLU(),
      torch::nn::Dropout(0.3))};
  model->add_task(
      "sum",
      polytask::Task(torch::nn::Linear(16, 1), polytask::MSELoss())
          .metric(polytask::RMSE()));
  model->add_task(
      "size", polytask::Task(torch::nn::Linear(16, 1), polytask::L1Loss()));
  polytask::JointTraining joint(
      model,
      torch::optim::AdamOptions(1e-2),
      polytask::JointTrainingOptions().balancing(
          polytask::balancing::make("moco")));
  const auto history =
      fit::Fit(
          joint,
          train,
          fit::FitOptions()
              .epochs(kEpochs)
              .validation(valid)
              .validate_every_steps(3)
              .scheduler(std::make_shared<polytask::optim::CosineScheduler>(
                  polytask::optim::CosineSchedulerOptions(kEpochs * 7)))
              .averaging(0.95)
              .early_stopping(fit::EarlyStopping("sum/rmse").patience(30))
              .best_of_each_task("loss")
              .folder(folder)
              .checkpoints(fit::CheckpointOptions()
                               .every_steps(1)
                               .not_within_seconds(0)
                               .keep_every_epochs(4))
              .progress(fit::ProgressKind::kSilent)
              .report(false)
              .callback(tell))
          .run();
  int64_t hash = 0;
  for (const auto& tensor : model->parameters()) {
    hash = hash_of(hash, tensor.const_data_ptr<float>(), tensor.nbytes());
  }
  for (const auto& record : history.records()) {
    for (const auto& [name, value] : record.values) {
      hash = hash_of(hash, name.data(), name.size());
      hash = hash_of(hash, &value, sizeof(value));
    }
  }
  const double drawn = torch::rand({1}).item<double>();
  return hash_of(hash, &drawn, sizeof(drawn));
}

// One life of a training; killed after so many microseconds.
struct Life {
  bool ended = false;
  int64_t went_on_at = 0;
  int64_t saved_at = 0;
  int64_t hash = 0;
};

Life live(const std::string& folder, int64_t microseconds) {
  int ends[2];
  if (::pipe(ends) != 0) {
    std::perror("pipe");
    std::exit(2);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    const auto tell = std::make_shared<Tell>(ends[1]);
    try {
      tell->say(Word::kEnded, train(folder, tell));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::_Exit(1);
    }
    std::_Exit(0);
  }
  ::close(ends[1]);
  if (microseconds >= 0) {
    ::usleep(static_cast<useconds_t>(microseconds));
    ::kill(child, SIGKILL);
  }
  Life life;
  Word word{};
  while (::read(ends[0], &word, sizeof(word)) == sizeof(word)) {
    switch (word.kind) {
      case Word::kGoesOn:
        life.went_on_at = word.number;
        break;
      case Word::kSaved:
        life.saved_at = word.number;
        break;
      case Word::kEnded:
        life.ended = true;
        life.hash = word.number;
        break;
    }
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    std::fprintf(stderr, "a training ended with an error\n");
    std::exit(1);
  }
  return life;
}

} // namespace

int main(int argc, char** argv) {
  const int kills = argc > 1 ? std::atoi(argv[1]) : 30;
  std::mt19937_64 random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  const auto folder = std::filesystem::temp_directory_path() /
      ("polytask_kill_" + std::to_string(::getpid()));
  const auto began = std::chrono::steady_clock::now();
  const Life whole = live(folder.string(), -1);
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now() - began)
          .count();
  // Some die at once, some do much; a training has several lives.
  std::uniform_int_distribution<int64_t> moment(0, microseconds / 2);
  int done = 0, trainings = 0, lost = 0, other_bits = 0;
  while (done < kills) {
    std::filesystem::remove_all(folder);
    int64_t saved = 0;
    for (bool ended = false; !ended;) {
      const Life life =
          live(folder.string(), done < kills ? moment(random) : -1);
      if (life.ended) {
        ++trainings;
        other_bits += life.hash != whole.hash;
        ended = true;
        continue;
      }
      ++done;
      // One that was killed before it went on says nothing.
      lost += life.went_on_at != 0 && life.went_on_at < saved;
      saved = std::max({saved, life.saved_at, life.went_on_at});
    }
  }
  std::filesystem::remove_all(folder);
  std::printf(
      "%d kills of trainings of %.0f ms: %d went back behind a checkpoint; "
      "%d trainings ended, %d with other bits\n",
      done,
      static_cast<double>(microseconds) / 1e3,
      lost,
      trainings,
      other_bits);
  return lost == 0 && other_bits == 0 && trainings > 0 ? 0 : 1;
}
