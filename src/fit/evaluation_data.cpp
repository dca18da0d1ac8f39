// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/evaluate.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

namespace polytask::fit {

namespace {

data::Dataset rows_from(
    const data::Dataset& dataset, int64_t start, int64_t length) {
  const auto narrowed = [&](const Batch::Targets& tensors) {
    Batch::Targets part;
    part.reserve(tensors.size());
    for (const auto& [task, values] : tensors) {
      part.emplace_back(task, values.narrow(0, start, length));
    }
    return part;
  };
  const data::Dataset part(
      dataset.inputs().narrow(start, length), narrowed(dataset.targets()));
  return dataset.weights().empty()
      ? part
      : part.with_weights(narrowed(dataset.weights()));
}

void visit_rows(
    const data::Dataset& dataset,
    int64_t batch_size,
    const EvaluationData::Visit& visit) {
  for (int64_t start = 0; start < dataset.size(); start += batch_size) {
    const int64_t length = std::min(batch_size, dataset.size() - start);
    visit(rows_from(dataset, start, length).batch());
  }
}

} // namespace

EvaluationData::EvaluationData(data::Dataset dataset) {
  datasets_.push_back(std::move(dataset));
}

EvaluationData::EvaluationData(std::vector<data::Dataset> datasets)
    : datasets_(std::move(datasets)) {
  TORCH_CHECK_VALUE(!datasets_.empty(), "evaluate: there is no data set.");
}

EvaluationData::EvaluationData(const data::Loader& loader)
    : EvaluationData(loader.dataset()) {}

EvaluationData::EvaluationData(Batch batch) : batch_(std::move(batch)) {}

EvaluationData::EvaluationData(Next next) : next_(std::move(next)) {
  TORCH_CHECK_VALUE(next_, "evaluate: the callable is empty.");
}

std::vector<std::string> EvaluationData::tasks() const {
  if (batch_) {
    return batch_->tasks();
  }
  std::vector<std::string> tasks;
  for (const auto& dataset : datasets_) {
    for (const auto& task : dataset.tasks()) {
      if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) {
        tasks.push_back(task);
      }
    }
  }
  return tasks;
}

void EvaluationData::for_each(int64_t batch_size, const Visit& visit) const {
  TORCH_CHECK_VALUE(
      batch_size >= 1,
      "evaluate: expected a batch_size of at least 1, but got ",
      batch_size,
      ".");
  if (batch_) {
    visit(*batch_);
  } else if (next_) {
    while (const auto batch = next_()) {
      visit(*batch);
    }
  } else {
    for (const auto& dataset : datasets_) {
      visit_rows(dataset, batch_size, visit);
    }
  }
}

EvaluationData EvaluationData::shard(int64_t rank, int64_t size) const {
  TORCH_CHECK_VALUE(
      size >= 1 && rank >= 0 && rank < size,
      "EvaluationData::shard: expected a rank from 0 to size - 1, but got ",
      rank,
      " of ",
      size,
      ".");
  EvaluationData part = *this;
  for (data::Dataset& dataset : part.datasets_) {
    const int64_t begin = dataset.size() * rank / size;
    const int64_t end = dataset.size() * (rank + 1) / size;
    dataset = rows_from(dataset, begin, end - begin);
  }
  if (batch_ && rank > 0) {
    part.batch_.reset();
    part.next_ = [] { return std::nullopt; };
  }
  if (next_) {
    part.next_ = [next = next_, rank, size, skip = rank]() mutable {
      for (; skip > 0; --skip) {
        if (!next()) {
          skip = rank;
          return std::optional<Batch>();
        }
      }
      std::optional<Batch> batch = next();
      skip = batch ? size - 1 : rank;
      return batch;
    };
  }
  return part;
}

std::vector<Batch> EvaluationData::sample(int64_t rows) const {
  std::vector<Batch> sample;
  if (batch_) {
    sample.push_back(*batch_);
  }
  for (const auto& dataset : datasets_) {
    if (dataset.size() > 0) {
      sample.push_back(
          rows_from(dataset, 0, std::min(rows, dataset.size())).batch());
    }
  }
  return sample;
}

std::vector<std::pair<std::string, int64_t>> EvaluationData::labels() const {
  std::vector<std::pair<std::string, int64_t>> labels;
  if (batch_) {
    for (const auto& part : batch_->parts()) {
      labels.emplace_back(part.task, part.labels.present());
    }
  }
  for (const auto& dataset : datasets_) {
    for (const auto& [task, target] : dataset.targets()) {
      labels.emplace_back(task, Labels(target).present());
    }
  }
  return labels;
}

} // namespace polytask::fit
