// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/evaluate.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/in_double.h"
#include "fit/joined_rows.h"
#include "model/eval_mode.h"

namespace polytask::fit {

namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

// What one task's rows have given so far.
class TaskTally {
 public:
  // Rows whose labels stay as they are may be joined with later ones.
  TaskTally(const Task& task, bool joins_rows)
      : task_(task), joins_rows_(joins_rows), states_(task.metrics().size()) {}

  void add(const at::Tensor& output, const Labels& given) {
    const int64_t ignored = task_.loss().function().ignore_index();
    const Labels labels = given.ignore_index() == ignored
        ? given
        : given.with_ignore_index(ignored);
    seen_ = true;
    const double weight = task_.loss().function().total_weight(labels);
    if (weight == 0) {
      return;
    }
    labels_ += labels.present();
    weights_.push_back(weight);
    losses_.push_back(task_.loss()(output, labels).detach());
    if (states_.empty()) {
      return;
    }
    const at::Tensor values = output.detach();
    if (!joined_.has_room_for(values, labels)) {
      finish();
    }
    if (joins_rows_ && joined_.has_room_for(values, labels)) {
      joined_.add(values, labels);
    } else {
      observe(values, labels);
    }
  }

  // What has not been observed yet.
  void finish() {
    if (!joined_.is_empty()) {
      const auto [output, labels] = joined_.take();
      observe(output, labels);
    }
  }

  bool was_seen() const {
    return seen_;
  }

  // The loss and the metrics, to be fetched from the device together.
  std::vector<at::Tensor> values() const {
    if (losses_.empty()) {
      return {};
    }
    const at::Tensor losses =
        polytask::detail::in_double(at::stack(losses_).flatten());
    at::Tensor weights =
        at::empty({losses.size(0)}, at::TensorOptions(at::kDouble));
    std::copy(
        weights_.begin(), weights_.end(), weights.mutable_data_ptr<double>());
    weights /= weights.sum();
    std::vector<at::Tensor> values{losses.dot(weights.to(losses.device()))};
    for (size_t i = 0; i < states_.size(); ++i) {
      const Metric& metric = *task_.metrics()[i];
      const at::Tensor value = metric.value(metric.merge(states_[i]));
      values.push_back(
          polytask::detail::in_double(value).to(losses.device()).squeeze());
    }
    return values;
  }

  Evaluation::TaskValues report(
      const std::string& name, const double* values) const {
    const auto next = [&] { return values ? *values++ : kNotKnown; };
    Evaluation::TaskValues report{name, labels_, {{"loss", next(), false}}};
    for (const auto& metric : task_.metrics()) {
      report.values.push_back(
          {metric->name(), next(), metric->higher_is_better()});
    }
    return report;
  }

 private:
  static constexpr size_t kManyStates = 64;

  void observe(const at::Tensor& output, const Labels& labels) {
    for (size_t i = 0; i < states_.size(); ++i) {
      auto& states = states_[i];
      states.push_back(task_.metrics()[i]->observe(output, labels));
      // Sums need no room; rows are joined once.
      if (states.size() >= kManyStates && states.back().rows.empty()) {
        states = {task_.metrics()[i]->merge(states)};
      }
    }
  }

  const Task& task_;
  bool joins_rows_;
  bool seen_ = false;
  int64_t labels_ = 0;
  std::vector<double> weights_;
  std::vector<at::Tensor> losses_;
  /// Not observed yet.
  detail::JoinedRows joined_;
  std::vector<std::vector<MetricState>> states_;
};

// Nothing of a model without parameters.
std::optional<at::Device> device_of(const MultiTaskModel& model) {
  const auto parameters = model->unique_parameters();
  return parameters.empty() ? std::nullopt
                            : std::optional(parameters.front().device());
}

// A task has to see its features once, however many there are.
void add_batch(
    const MultiTaskModel& model,
    const Batch& given,
    const std::optional<at::Device>& device,
    std::vector<TaskTally>& tallies) {
  const Batch batch =
      !device || given.device() == *device ? given : given.to(*device);
  std::vector<Inputs> features;
  if (batch.shares_input() && batch.parts().size() > 1) {
    features = model->features(batch.inputs());
  }
  for (const auto& part : batch.parts()) {
    try {
      const int64_t index = model->index(part.task);
      const auto place = static_cast<size_t>(index);
      const at::Tensor output = model->task(index).forward(
          features.empty() ? model->features_of(part.inputs, index)
                           : features[place]);
      tallies[place].add(output, part.labels);
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with("evaluate: task '" + part.task + "': ");
    }
  }
}

std::vector<double> fetched(const std::vector<at::Tensor>& values) {
  if (values.empty()) {
    return {};
  }
  const at::Tensor there = at::stack(values).to(at::kCPU);
  const auto* first = there.const_data_ptr<double>();
  return std::vector<double>(first, first + there.numel());
}

} // namespace

Evaluation evaluate(
    MultiTaskModel model, const EvaluationData& data, EvaluateOptions options) {
  const polytask::detail::EvalMode eval_mode(*model);
  std::vector<TaskTally> tallies;
  for (int64_t i = 0; i < model->size(); ++i) {
    tallies.emplace_back(model->task(i), data.has_all_rows());
  }
  const auto device = device_of(model);
  data.for_each(options.batch_size(), [&](const Batch& batch) {
    add_batch(model, batch, device, tallies);
  });
  std::vector<at::Tensor> values;
  std::vector<size_t> starts;
  for (size_t i = 0; i < tallies.size(); ++i) {
    starts.push_back(values.size());
    try {
      tallies[i].finish();
      for (auto& value : tallies[i].values()) {
        values.push_back(std::move(value));
      }
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(
          "evaluate: task '" + model->task_names()[i] + "': ");
    }
  }
  starts.push_back(values.size());
  const std::vector<double> numbers = fetched(values);
  std::vector<Evaluation::TaskValues> reports;
  for (size_t i = 0; i < tallies.size(); ++i) {
    if (tallies[i].was_seen()) {
      const bool known = starts[i + 1] > starts[i];
      reports.push_back(tallies[i].report(
          model->task_names()[i], known ? &numbers[starts[i]] : nullptr));
    }
  }
  TORCH_CHECK_VALUE(!reports.empty(), "evaluate: the data have no row.");
  return Evaluation(std::move(reports));
}

torch::OrderedDict<std::string, torch::Tensor> predict(
    MultiTaskModel model, const Inputs& inputs, EvaluateOptions options) {
  TORCH_CHECK_VALUE(
      options.batch_size() >= 1,
      "predict: expected a batch_size of at least 1, but got ",
      options.batch_size(),
      ".");
  const polytask::detail::EvalMode eval_mode(*model);
  const at::Device device = device_of(model).value_or(inputs.device());
  const int64_t rows = inputs.rows();
  if (rows <= options.batch_size()) {
    return model->forward(inputs.to(device));
  }
  torch::OrderedDict<std::string, torch::Tensor> all;
  for (int64_t start = 0; start < rows; start += options.batch_size()) {
    const int64_t length = std::min(options.batch_size(), rows - start);
    const auto outputs =
        model->forward(inputs.narrow(start, length).to(device));
    for (const auto& output : outputs) {
      if (start == 0) {
        std::vector<int64_t> shape = output.value().sizes().vec();
        shape[0] = rows;
        all.insert(output.key(), at::empty(shape, output.value().options()));
      }
      all[output.key()].narrow(0, start, length).copy_(output.value());
    }
  }
  return all;
}

} // namespace polytask::fit
