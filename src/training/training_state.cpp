// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/training_state.h>

#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <utility>

#include "core/archive.h"

namespace polytask {

namespace {

using detail::ArchiveReader;
using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

constexpr auto kWho = "Training";

void write_sampler(OutputArchive& archive, const SamplerState& state) {
  OutputArchive child(archive.compilation_unit());
  child.write("kind", c10::IValue(state.sampler));
  detail::write_texts(child, "tasks", state.tasks);
  child.write("draws", c10::IValue(state.draws));
  child.write("epochs", c10::IValue(state.epochs));
  child.write("generator", c10::IValue(state.generator));
  child.write("values", c10::IValue(state.values));
  archive.write("sampler", child);
}

std::optional<SamplerState> read_sampler(InputArchive& archive) {
  InputArchive child;
  if (!archive.try_read("sampler", child)) {
    return std::nullopt;
  }
  const ArchiveReader reader(child, kWho);
  SamplerState state;
  state.sampler = reader.text("kind");
  state.tasks = reader.texts("tasks");
  state.draws = reader.integer("draws");
  state.epochs = reader.integer("epochs");
  state.generator = reader.text("generator");
  state.values = reader.numbers("values");
  return state;
}

} // namespace

void TrainingState::save(OutputArchive& archive) const {
  TORCH_CHECK_VALUE(
      optimizer_archive.defined(),
      kWho,
      ": the state holds nothing; state() of a training makes one that can be "
      "saved.");
  archive.write("polytask_training", c10::IValue(version));
  archive.write("strategy", c10::IValue(strategy));
  archive.write("steps", c10::IValue(steps));
  archive.write("epochs", c10::IValue(epochs));
  detail::write_texts(archive, "tasks", tasks);
  archive.write("weights", c10::IValue(weights));
  detail::write_texts(archive, "parameters", parameters);
  archive.write(
      "trained",
      c10::IValue(std::vector<int64_t>(trained.begin(), trained.end())));
  archive.write("optimizer", c10::IValue(optimizer));
  detail::write_texts(archive, "optimizer_parameters", optimizer_parameters);
  archive.write("optimizer_archive", optimizer_archive, /*is_buffer=*/true);
  archive.write("balancing", c10::IValue(balancing));
  archive.write("balancing_options", c10::IValue(balancing_options));
  detail::write_tensors(archive, "balancing_state", balancing_state);
  if (sampler) {
    write_sampler(archive, *sampler);
  }
  if (!grad_scaler.empty()) {
    archive.write("grad_scaler", c10::IValue(grad_scaler));
  }
}

void TrainingState::load(InputArchive& archive) {
  const ArchiveReader reader(archive, kWho);
  TORCH_CHECK_VALUE(
      reader.has("polytask_training"),
      kWho,
      ": the archive holds no training's state.");
  TrainingState read;
  read.version = reader.integer("polytask_training");
  TORCH_CHECK_VALUE(
      read.version <= kVersion,
      kWho,
      ": the archive is of version ",
      read.version,
      ", which a newer polytask wrote; this one reads up to version ",
      kVersion,
      ".");
  read.strategy = reader.text("strategy");
  read.steps = reader.integer("steps");
  read.epochs = reader.integer("epochs");
  read.tasks = reader.texts("tasks");
  read.weights = reader.numbers("weights");
  read.parameters = reader.texts("parameters");
  const auto flags = reader.integers("trained");
  read.trained.assign(flags.begin(), flags.end());
  read.optimizer = reader.text("optimizer");
  read.optimizer_parameters = reader.texts("optimizer_parameters");
  read.optimizer_archive = reader.tensor("optimizer_archive");
  read.balancing = reader.text("balancing");
  read.balancing_options = reader.text("balancing_options");
  read.balancing_state = reader.tensors("balancing_state");
  read.sampler = read_sampler(archive);
  if (reader.has("grad_scaler")) {
    read.grad_scaler = reader.numbers("grad_scaler");
  }
  *this = std::move(read);
}

} // namespace polytask
