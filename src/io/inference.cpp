// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/inference.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <polytask/io/safetensors.h>
#include <polytask/io/weights.h>

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "io/inference/described_model.h"
#include "io/own_weights.h"
#include "model/eval_mode.h"

namespace polytask::io {

namespace {

using Answers = torch::OrderedDict<std::string, at::Tensor>;

constexpr auto kInferenceEnd = ".safetensors";
constexpr auto kInferenceKind = "inference";
constexpr auto kDescription = "polytask.inference";

// Of the model's device and, where they are fractions, of its dtype.
Inputs inputs_for(const MultiTaskModelImpl& model, const Inputs& inputs) {
  for (const auto& parameter : model.parameters()) {
    if (parameter.is_floating_point()) {
      return inputs.map([&](const at::Tensor& tensor) {
        return tensor.is_floating_point() ? tensor.to(parameter.options())
                                          : tensor.to(parameter.device());
      });
    }
  }
  return inputs;
}

// In half of it, a number's unit may be too large or too fine.
at::Tensor at_least_float(const at::Tensor& output) {
  return output.defined() && output.is_floating_point()
      ? output.to(c10::promoteTypes(output.scalar_type(), at::kFloat))
      : output;
}

Answers answers_of(
    const MultiTaskModel& model,
    const data::Preparation* preparation,
    const Inputs& inputs) {
  MultiTaskModel networks = model;
  Answers answers;
  for (const auto& output : networks->forward(inputs_for(*model, inputs))) {
    answers.insert(
        output.key(),
        preparation
            ? preparation->answers(output.key(), at_least_float(output.value()))
            : output.value());
  }
  return answers;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

void check_same_tasks(
    const std::string& what,
    const std::vector<std::string>& others,
    const MultiTaskModelImpl& model) {
  TORCH_CHECK_VALUE(
      sorted(others) == sorted(model.task_names()),
      "expected the tasks of ",
      what,
      ", ",
      polytask::detail::quoted(others),
      ", but the model has ",
      polytask::detail::quoted(model.task_names()),
      ".");
}

// What is wrong with them together shows before anybody waits for an answer.
void try_to_answer(MultiTaskModel model, const data::Preparation& preparation) {
  constexpr int64_t kRows = 2;
  std::vector<Inputs::Named> zeros;
  const auto ids = static_cast<int64_t>(preparation.ids().size());
  if (preparation.width() > 0) {
    zeros.emplace_back("numbers", at::zeros({kRows, preparation.width()}));
  }
  if (ids > 0) {
    zeros.emplace_back("ids", at::zeros({kRows, ids}, at::kLong));
  }
  const polytask::detail::EvalMode eval_mode(*model);
  const auto answers = answers_of(
      model,
      &preparation,
      ids > 0 ? Inputs(std::move(zeros)) : Inputs(zeros.front().second));
  for (const auto& answer : answers) {
    TORCH_CHECK_VALUE(
        answer.value().dim() > 0 && answer.value().size(0) == kRows,
        "task '",
        answer.key(),
        "': expected an answer for each of ",
        kRows,
        " rows, but got ",
        answer.value().sizes(),
        ".");
  }
}

void write(
    const MultiTaskModel& model,
    std::optional<data::Preparation> preparation,
    const std::string& path,
    const ExportOptions& options) {
  TORCH_CHECK_VALUE(
      path.ends_with(kInferenceEnd),
      "expected a path that ends in ",
      kInferenceEnd,
      ".");
  TORCH_CHECK_VALUE(
      !model.is_empty() && model->size() > 0, "the model has no task.");
  for (const auto& [task, unit] : options.units()) {
    TORCH_CHECK_VALUE(
        model->has_task(task),
        "ExportOptions: units: there is no task '",
        task,
        "'; there are ",
        polytask::detail::quoted(model->task_names()),
        ".");
  }
  if (preparation) {
    check_same_tasks("the preparation", preparation->tasks(), *model);
    try_to_answer(model, *preparation);
  }
  auto stored = detail::stored_weights(*model);
  const detail::DescribedModel described{
      model->task_names(), options.units(), std::move(preparation)};
  auto metadata = std::move(stored.aliases);
  metadata[std::string(detail::kOwnKind)] = kInferenceKind;
  metadata[kDescription] = described.text(model);
  metadata["format"] = "pt";
  write_safetensors(path, stored.tensors, metadata);
}

void write_or_say(
    const MultiTaskModel& model,
    std::optional<data::Preparation> preparation,
    const std::string& path,
    const ExportOptions& options) {
  try {
    write(model, std::move(preparation), path, options);
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("export_for_inference: " + path + ": ");
  }
}

// A network is made of floats, whatever its weights are.
void take_dtypes(MultiTaskModelImpl& model, const SafetensorsFile& file) {
  const auto take = [&](const auto& named) {
    for (const auto& item : named) {
      const at::Tensor& weight = item.value();
      if (file.contains(item.key())) {
        weight.set_data(weight.detach().to(file.dtype(item.key())));
      }
    }
  };
  take(model.named_parameters());
  take(model.named_buffers());
}

detail::DescribedModel read(const std::string& path) {
  const SafetensorsFile file(path);
  const auto& metadata = file.metadata();
  const auto kind = metadata.find(std::string(detail::kOwnKind));
  const auto description = metadata.find(kDescription);
  TORCH_CHECK_VALUE(
      kind != metadata.end() && kind->second == kInferenceKind &&
          description != metadata.end(),
      "expected what export_for_inference writes, but it is ",
      kind == metadata.end() ? "a file of weights" : "a " + kind->second,
      " (load_weights reads those).");
  double weights = 0;
  const auto count = [&](const std::string& name) {
    weights += static_cast<double>(c10::multiply_integers(file.sizes(name)));
  };
  for (const auto& name : file.names()) {
    count(name);
  }
  for (const auto& [name, other] : metadata) { // tied ones
    if (file.contains(other)) {
      count(other);
    }
  }
  auto described = detail::DescribedModel::parse(description->second, weights);
  if (!described.networks.is_empty()) {
    take_dtypes(*described.networks, file);
  }
  return described;
}

} // namespace

void export_for_inference(
    const MultiTaskModel& model,
    const data::Preparation& preparation,
    const std::string& path,
    const ExportOptions& options) {
  write_or_say(model, preparation, path, options);
}

void export_for_inference(
    const MultiTaskModel& model,
    const std::string& path,
    const ExportOptions& options) {
  write_or_say(model, std::nullopt, path, options);
}

InferenceModel::InferenceModel(const std::string& path)
    : InferenceModel(path, MultiTaskModel(nullptr)) {}

InferenceModel::InferenceModel(
    const std::string& path, const MultiTaskModel& networks) {
  try {
    auto described = read(path);
    model_ = networks.is_empty() ? described.networks : networks;
    TORCH_CHECK_VALUE(
        !model_.is_empty(),
        "its networks have layers of their own kind: give the constructor a "
        "model that is made as it was for the training.");
    check_same_tasks("the file", described.tasks, *model_);
    load_weights(*model_, path);
    preparation_ = std::move(described.preparation);
    units_ = std::move(described.units);
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("InferenceModel: " + path + ": ");
  }
  model_->eval();
}

Answers InferenceModel::predict(
    const data::Table& rows, int64_t batch_size) const {
  TORCH_CHECK_VALUE(
      batch_size >= 1,
      "InferenceModel: expected a batch_size of at least 1, but got ",
      batch_size,
      ".");
  const Inputs inputs = preparation().inputs(rows);
  std::vector<Answers> parts;
  for (int64_t start = 0; start == 0 || start < rows.rows();
       start += batch_size) {
    parts.push_back(predict(
        inputs.narrow(start, std::min(batch_size, rows.rows() - start))));
  }
  if (parts.size() == 1) {
    return std::move(parts.front());
  }
  Answers all;
  for (const auto& task : tasks()) {
    std::vector<at::Tensor> answers;
    for (const auto& part : parts) {
      answers.push_back(part[task]);
    }
    all.insert(task, at::cat(answers));
  }
  return all;
}

Answers InferenceModel::predict(const Inputs& inputs) const {
  const at::NoGradGuard no_grad;
  Answers answers =
      answers_of(model_, preparation_ ? &*preparation_ : nullptr, inputs);
  for (auto& answer : answers) {
    answer.value() = answer.value().cpu();
  }
  return answers;
}

const std::vector<std::string>& InferenceModel::tasks() const {
  return model_->task_names();
}

std::string InferenceModel::unit(const std::string& task) const {
  model_->index(task); // throws, and lists them, for an unknown one
  const auto unit = units_.find(task);
  return unit == units_.end() ? "" : unit->second;
}

bool InferenceModel::has_preparation() const {
  return preparation_.has_value();
}

const data::Preparation& InferenceModel::preparation() const {
  TORCH_CHECK_VALUE(
      preparation_,
      "InferenceModel: the file has no preparation of rows; give the model "
      "inputs.");
  return *preparation_;
}

void InferenceModel::to(at::Device device) {
  model_->to(device);
}

const MultiTaskModel& InferenceModel::model() const {
  return model_;
}

} // namespace polytask::io
