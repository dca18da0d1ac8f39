// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/evaluate.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/in_double.h"
#include "fit/task_tally.h"
#include "model/eval_mode.h"

namespace polytask::fit {

using detail::TaskTally;

namespace {

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

// Names the task where it throws.
template <typename Action>
void of_task(const MultiTaskModel& model, size_t i, const Action& action) {
  try {
    action();
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with(
        "evaluate: task '" + model->task_names()[i] + "': ");
  }
}

void add_rows(
    const MultiTaskModel& model,
    const EvaluationData& data,
    int64_t batch_size,
    std::vector<TaskTally>& tallies) {
  const auto device = device_of(model);
  data.for_each(batch_size, [&](const Batch& batch) {
    add_batch(model, batch, device, tallies);
  });
  for (size_t i = 0; i < tallies.size(); ++i) {
    of_task(model, i, [&] { tallies[i].finish(); });
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

Evaluation reports(
    const MultiTaskModel& model, const std::vector<TaskTally>& tallies) {
  std::vector<at::Tensor> values;
  std::vector<size_t> starts;
  for (size_t i = 0; i < tallies.size(); ++i) {
    starts.push_back(values.size());
    of_task(model, i, [&] {
      for (auto& value : tallies[i].values()) {
        values.push_back(std::move(value));
      }
    });
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

} // namespace

Evaluation evaluate(
    MultiTaskModel model, const EvaluationData& data, EvaluateOptions options) {
  const polytask::detail::EvalMode eval_mode(*model);
  const polytask::detail::Peers peers(options.communicator());
  std::vector<TaskTally> tallies;
  for (int64_t i = 0; i < model->size(); ++i) {
    tallies.emplace_back(model->task(i), data.has_all_rows());
  }
  peers.sum_after(0, [&](std::vector<double>&) {
    add_rows(model, data, options.batch_size(), tallies);
  });
  if (peers.are_some()) {
    TaskTally::add_up(tallies, peers);
  }
  return reports(model, tallies);
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
