// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/fit_options.h>
#include <polytask/fit/history.h>
#include <polytask/fit/training_data.h>
#include <polytask/training/training.h>

#include <chrono>
#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fit/best_weights.h"
#include "fit/checkpoint_folder.h"
#include "fit/checkpoint_model.h"
#include "fit/epoch_sums.h"
#include "fit/first_error.h"
#include "fit/fit_ranks.h"
#include "fit/stepper.h"
#include "fit/weight_average.h"

namespace polytask::fit::detail {

/// The loop of a `Fit`, and all that a checkpoint has to hold of it.
class FitLoop {
 public:
  FitLoop(Fit& fit, Training& training, TrainingData data, FitOptions options);

  History run();
  void stop(const std::string& reason);
  void use_best(const std::string& task) const;

  Training& training() const {
    return training_;
  }
  const FitOptions& options() const {
    return options_;
  }
  const History& history() const {
    return history_;
  }
  int64_t epoch() const {
    return epoch_;
  }
  int64_t step() const {
    return step_;
  }
  int64_t planned_steps() const;
  int64_t step_of_epoch() const {
    return step_of_epoch_;
  }
  int64_t steps_per_epoch() const;
  double seconds() const;
  std::vector<double> losses() {
    return sums_.mean_losses();
  }
  std::vector<double> rates() const;
  bool is_stopping() const {
    return !stop_reason_.empty();
  }
  bool is_interrupted() const {
    return is_interrupted_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // fit_callbacks.cpp
  void add_callbacks();
  void add_files();
  template <typename Call>
  void call(const Call& call) {
    for (const auto& callback : callbacks_) {
      call(*callback);
    }
  }

  // fit_loop.cpp
  void begin();
  void go();
  void end(FirstError& error);
  void give_final_weights();
  void agree();
  bool is_over() const;
  bool fetch();
  void take_step();
  void do_what_is_due();
  void end_epoch();
  void record_training();
  void validate();
  void end_of_all(FirstError& error);

  // fit_checkpoint.cpp
  void open_folder();
  void open_folder_of_first();
  void resume();
  void resume(const std::string& path);
  void try_to_save();
  bool is_checkpoint_due(bool at_epoch_end) const;
  bool saves() const {
    return !options_.folder().empty();
  }
  void write_checkpoint(bool at_epoch_end);
  /// What is not the same on all ranks, of each; empty where only this one's is
  /// known. `random`: the generators. `parts`: archives of what each has where
  /// tasks have owners.
  struct OfRanks {
    at::Tensor random;
    std::vector<std::string> parts;
  };
  OfRanks parts_of_ranks();
  void load_own_part(torch::serialize::InputArchive& archive);
  void write_checkpoint(bool at_epoch_end, const OfRanks& of_ranks);
  /// All but the model.
  void save_training(
      torch::serialize::OutputArchive& archive, const OfRanks& of_ranks = {});
  void load_all(
      torch::serialize::InputArchive& archive,
      const std::map<std::string, at::Tensor>& weights);
  void put_back(std::istream& before);
  void load_or_put_back(
      torch::serialize::InputArchive& archive,
      const std::map<std::string, at::Tensor>& weights,
      const std::string& path);

  Fit& fit_;
  Training& training_;
  TrainingData data_;
  FitOptions options_;
  Stepper stepper_;
  EpochSums sums_;
  FitRanks ranks_;
  std::optional<CheckpointFolder> folder_;
  CheckpointModel model_;

  /// polytask's own, then the user's.
  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::vector<Callback*> see_steps_;
  /// Null where there is none.
  std::shared_ptr<WeightAverage> average_;
  std::shared_ptr<BestWeights> best_;

  History history_;
  std::string stop_reason_;
  /// A signal ends it: nothing is recorded or validated out of turn.
  bool is_interrupted_ = false;
  /// It has come to its end, and the model has its final weights.
  bool is_finished_ = false;
  int64_t epoch_ = 0;
  int64_t step_ = 0;
  int64_t step_of_epoch_ = 0;
  /// Of the last validation.
  int64_t validated_step_ = -1;
  bool is_epoch_begun_ = false;
  /// What a step or an epoch has still to be followed by.
  bool is_validation_due_ = false;
  bool is_epoch_end_due_ = false;
  /// Its batch is fetched, and it is not done: no moment for a checkpoint.
  bool is_in_step_ = false;
  bool is_running_ = false;

  double seconds_before_ = 0;
  Clock::time_point began_;
  Clock::time_point checkpoint_time_;
  int64_t checkpoint_step_ = -1;
};

} // namespace polytask::fit::detail
