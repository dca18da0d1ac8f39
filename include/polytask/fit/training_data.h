// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include <polytask/core/batch.h>
#include <polytask/data/loader.h>
#include <polytask/data/multi_loader.h>

namespace polytask::fit {

/// What a training is given step by step. Derive from it for rows that come
/// from elsewhere than a loader: a queue, a simulator, files of images.
class POLYTASK_API Batches {
 public:
  virtual ~Batches() = default;

  /// The next batch, which stays good until the next call; null once at the end
  /// of each epoch, and the call after that begins the next epoch.
  virtual const Batch* next() = 0;

  /// Whether `next_of` gives the next rows of one task, without end: an
  /// alternating training then asks for those of the task that it draws.
  virtual bool has_tasks_apart() const {
    return false;
  }
  virtual Batch next_of(const std::string& task);

  /// How many calls of `next`, or of `next_of`, make an epoch; 0 where nobody
  /// knows.
  virtual int64_t per_epoch(bool tasks_apart) const;

  /// Some rows of everything that there is, to be looked at before the training
  /// begins; nothing is given out by that.
  virtual std::vector<Batch> sample() const {
    return {};
  }
  /// How many labels there are of each task, under LibTorch's ignore index;
  /// none where nobody knows.
  virtual std::vector<std::pair<std::string, int64_t>> labels() const {
    return {};
  }

  /// Where it stands, for a training that is taken up again to the bit.
  virtual void save(torch::serialize::OutputArchive& archive) const = 0;
  /// Throws, and stays where it is, on what another source wrote.
  virtual void load(torch::serialize::InputArchive& archive) = 0;
};

/// Anything that gives batches to train on.
class POLYTASK_API TrainingData {
 public:
  /// The loader must outlive the training.
  TrainingData(data::Loader& loader); // NOLINT: meant to be implicit
  /// Every data set's next batch, joined; an alternating training asks for
  /// those of its task. An epoch goes once through the longest data set, or,
  /// task by task, has as many steps as all data sets have batches.
  TrainingData(data::MultiLoader& loader); // NOLINT: meant to be implicit
  /// One batch again and again, which is an epoch of one step.
  TrainingData(Batch batch); // NOLINT: meant to be implicit
  /// Returns the next batch, and nothing once at the end of each epoch; where
  /// it has no end, say `FitOptions::steps_per_epoch`. A
  /// training that is taken up again asks for all batches anew that it has had,
  /// so they must come in the same order; `Batches` of your own can do better.
  TrainingData(std::function<std::optional<Batch>()> next); // NOLINT
  TrainingData(std::shared_ptr<Batches> batches);           // NOLINT

  Batches& operator*() const {
    return *batches_;
  }
  Batches* operator->() const {
    return batches_.get();
  }

 private:
  std::shared_ptr<Batches> batches_;
};

} // namespace polytask::fit
