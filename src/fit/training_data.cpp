// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/training_data.h>

#include <ATen/ops/arange.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <utility>

#include "core/archive.h"

namespace polytask::fit {

namespace {

// As many as a step gets: a model may take no other number.
Batch first_batch(const data::Loader& loader) {
  const data::Dataset& rows = loader.dataset();
  const int64_t count = std::min(rows.size(), loader.batch_size());
  return rows.select(at::arange(count)).batch();
}

void count_labels(
    const data::Dataset& rows,
    std::vector<std::pair<std::string, int64_t>>& labels) {
  for (const auto& [task, target] : rows.targets()) {
    labels.emplace_back(task, Labels(target).present());
  }
}

class LoaderBatches : public Batches {
 public:
  explicit LoaderBatches(data::Loader& loader) : loader_(loader) {}

  const Batch* next() override {
    batch_ = loader_.next();
    return batch_ ? &*batch_ : nullptr;
  }
  int64_t per_epoch(bool /*tasks_apart*/) const override {
    return loader_.batches_per_epoch();
  }
  std::vector<Batch> sample() const override {
    return {first_batch(loader_)};
  }
  std::vector<std::pair<std::string, int64_t>> labels() const override {
    std::vector<std::pair<std::string, int64_t>> labels;
    count_labels(loader_.dataset(), labels);
    return labels;
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    loader_.save(archive);
  }
  void load(torch::serialize::InputArchive& archive) override {
    loader_.load(archive);
  }

 private:
  data::Loader& loader_;
  std::optional<Batch> batch_;
};

// Its loaders have no end: an epoch is counted here.
class MultiLoaderBatches : public Batches {
 public:
  explicit MultiLoaderBatches(data::MultiLoader& loader) : loader_(loader) {}

  const Batch* next() override {
    if (given_ == per_epoch(false)) {
      given_ = 0;
      return nullptr;
    }
    batch_ = loader_.next_all();
    ++given_;
    return &*batch_;
  }
  bool has_tasks_apart() const override {
    return true;
  }
  Batch next_of(const std::string& task) override {
    return loader_.next(task);
  }
  int64_t per_epoch(bool tasks_apart) const override {
    int64_t longest = 0;
    int64_t all = 0;
    for (const auto& loader : loader_.loaders()) {
      longest = std::max(longest, loader.batches_per_epoch());
      all += loader.batches_per_epoch();
    }
    return tasks_apart ? all : longest;
  }
  std::vector<Batch> sample() const override {
    std::vector<Batch> sample;
    for (const auto& loader : loader_.loaders()) {
      sample.push_back(first_batch(loader));
    }
    return sample;
  }
  std::vector<std::pair<std::string, int64_t>> labels() const override {
    std::vector<std::pair<std::string, int64_t>> labels;
    for (const auto& loader : loader_.loaders()) {
      count_labels(loader.dataset(), labels);
    }
    return labels;
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    torch::serialize::OutputArchive loader(archive.compilation_unit());
    loader_.save(loader);
    archive.write("loader", loader);
    archive.write("given", c10::IValue(given_));
  }
  void load(torch::serialize::InputArchive& archive) override {
    const int64_t given =
        polytask::detail::ArchiveReader(archive, "Fit: the training data")
            .integer("given");
    torch::serialize::InputArchive loader;
    archive.read("loader", loader);
    loader_.load(loader);
    given_ = given;
  }

 private:
  data::MultiLoader& loader_;
  int64_t given_ = 0;
  std::optional<Batch> batch_;
};

class OneBatch : public Batches {
 public:
  explicit OneBatch(Batch batch) : batch_(std::move(batch)) {}

  const Batch* next() override {
    given_ = !given_;
    return given_ ? &batch_ : nullptr;
  }
  int64_t per_epoch(bool /*tasks_apart*/) const override {
    return 1;
  }
  std::vector<Batch> sample() const override {
    return {batch_};
  }
  std::vector<std::pair<std::string, int64_t>> labels() const override {
    std::vector<std::pair<std::string, int64_t>> labels;
    for (const auto& part : batch_.parts()) {
      labels.emplace_back(part.task, part.labels.present());
    }
    return labels;
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    archive.write("given", c10::IValue(static_cast<int64_t>(given_)));
  }
  void load(torch::serialize::InputArchive& archive) override {
    given_ = polytask::detail::ArchiveReader(archive, "Fit: the training data")
                 .integer("given") != 0;
  }

 private:
  Batch batch_;
  bool given_ = false;
};

class CalledBatches : public Batches {
 public:
  explicit CalledBatches(std::function<std::optional<Batch>()> next)
      : next_(std::move(next)) {
    TORCH_CHECK_VALUE(next_, "Fit: the callable that gives batches is empty.");
  }

  const Batch* next() override {
    batch_ = next_();
    ++calls_;
    return batch_ ? &*batch_ : nullptr;
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    archive.write("calls", c10::IValue(calls_));
  }
  void load(torch::serialize::InputArchive& archive) override {
    const int64_t calls =
        polytask::detail::ArchiveReader(archive, "Fit: the training data")
            .integer("calls");
    TORCH_CHECK_VALUE(
        calls >= calls_,
        "Fit: the callable has given ",
        calls_,
        " batches already, and the training is to go on after ",
        calls,
        ".");
    while (calls_ < calls) {
      next();
    }
  }

 private:
  std::function<std::optional<Batch>()> next_;
  std::optional<Batch> batch_;
  int64_t calls_ = 0;
};

} // namespace

Batch Batches::next_of(const std::string& task) {
  TORCH_CHECK_NOT_IMPLEMENTED(
      false, "Fit: these batches cannot be asked for task '", task, "'.");
}

int64_t Batches::per_epoch(bool /*tasks_apart*/) const {
  return 0;
}

TrainingData::TrainingData(data::Loader& loader)
    : batches_(std::make_shared<LoaderBatches>(loader)) {}

TrainingData::TrainingData(data::MultiLoader& loader)
    : batches_(std::make_shared<MultiLoaderBatches>(loader)) {}

TrainingData::TrainingData(Batch batch)
    : batches_(std::make_shared<OneBatch>(std::move(batch))) {}

TrainingData::TrainingData(std::function<std::optional<Batch>()> next)
    : batches_(std::make_shared<CalledBatches>(std::move(next))) {}

TrainingData::TrainingData(std::shared_ptr<Batches> batches)
    : batches_(std::move(batches)) {
  TORCH_CHECK_VALUE(batches_ != nullptr, "Fit: the batches are null.");
}

} // namespace polytask::fit
