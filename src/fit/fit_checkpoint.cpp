// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <polytask/core/random_state.h>
#include <polytask/core/version.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "core/archive.h"
#include "core/check.h"
#include "fit/checkpoint_file.h"
#include "fit/fit_loop.h"
#include "io/safetensors_writer.h"

namespace polytask::fit::detail {

namespace {

// 2 had the model in the archive.
constexpr int64_t kOldestFitVersion = 2;
constexpr int64_t kFitVersion = 3;

template <typename Part>
void put(
    torch::serialize::OutputArchive& archive,
    const std::string& key,
    Part& part) {
  torch::serialize::OutputArchive child(archive.compilation_unit());
  part.save(child);
  archive.write(key, child);
}

template <typename Part>
void get(
    torch::serialize::InputArchive& archive,
    const std::string& key,
    Part& part) {
  torch::serialize::InputArchive child;
  archive.read(key, child);
  part.load(child);
}

} // namespace

void FitLoop::open_folder() {
  if (!saves()) {
    return;
  }
  if (ranks_.are_some()) {
    open_folder_of_first();
    return;
  }
  if (!folder_) {
    folder_.emplace(options_.folder(), options_.checkpoints());
  } else if (folder_->newest_step() == checkpoint_step_ && !is_in_step_) {
    return; // nobody else has gone on from there, and no batch was lost
  }
  try {
    resume();
  } catch (...) {
    folder_.reset(); // the next run is to look there again
    throw;
  }
}

// All read what the first does.
void FitLoop::open_folder_of_first() {
  std::string path;
  ranks_.by_first([&] {
    if (!folder_) {
      folder_.emplace(options_.folder(), options_.checkpoints());
    } else if (folder_->newest_step() == checkpoint_step_ && !is_in_step_) {
      return;
    }
    path = folder_->newest().value_or("");
  });
  path = ranks_.of_first(path);
  if (!path.empty()) {
    resume(path);
  }
}

// What cannot be saved is known before the first hour, not after it.
void FitLoop::try_to_save() {
  try {
    torch::serialize::OutputArchive archive;
    const auto weights = model_.save(*training_.model(), archive);
    const io::detail::SafetensorsWriter header(
        "the weights", weights.tensors, weights.aliases);
    save_training(archive);
    archive.save_to([](const void* /*data*/, size_t size) { return size; });
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with(
        "Fit: what is to be kept in " + options_.folder() +
        " cannot be saved: ");
  }
}

void FitLoop::resume() {
  if (const auto path = folder_->newest()) {
    resume(*path);
  }
}

void FitLoop::resume(const std::string& path) {
  torch::serialize::InputArchive archive;
  std::map<std::string, at::Tensor> weights;
  read_checkpoint(path, archive, weights);
  load_or_put_back(archive, weights, path);
  checkpoint_step_ = step_;
}

bool FitLoop::is_checkpoint_due(bool at_epoch_end) const {
  const CheckpointOptions& options = options_.checkpoints();
  const auto due = [](int64_t every, int64_t count) {
    return every > 0 && count % every == 0;
  };
  const bool is_best = options.keep_best() && best_ && best_->is_best_at(step_);
  const bool asked = at_epoch_end
      ? due(options.every_epochs(), epoch_) ||
          due(options.keep_every_epochs(), epoch_) || is_best
      : due(options.every_steps(), step_) || is_best;
  if (!asked && options.every_seconds() == 0) {
    return false;
  }
  const double since =
      std::chrono::duration<double>(Clock::now() - checkpoint_time_).count();
  return asked
      ? since >= options.not_within_seconds()
      : options.every_seconds() > 0 && since >= options.every_seconds();
}

void FitLoop::write_checkpoint(bool at_epoch_end) {
  if (!ranks_.are_some()) {
    write_checkpoint(at_epoch_end, OfRanks{});
    return;
  }
  training_.gather();
  const OfRanks of_ranks = parts_of_ranks();
  ranks_.by_first([&] { write_checkpoint(at_epoch_end, of_ranks); });
  checkpoint_step_ = step_;
  checkpoint_time_ = Clock::now();
}

// What differs from rank to rank: random numbers, and where each has tasks of
// its own, its rows and its draws.
FitLoop::OfRanks FitLoop::parts_of_ranks() {
  OfRanks all;
  all.random = ranks_.random_states();
  if (!training_.task_owners().empty()) {
    std::ostringstream own;
    ranks_.together([&] {
      torch::serialize::OutputArchive archive;
      put(archive, "data", *data_);
      TrainingState state = training_.state();
      state.optimizer_archive = at::empty({0}, at::kByte);
      put(archive, "training", state);
      archive.save_to(own);
    });
    all.parts = ranks_.of_all(own.str());
  }
  return all;
}

void FitLoop::load_own_part(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, "Fit");
  const auto count = reader.integer("parts");
  TORCH_CHECK_VALUE(
      count == ranks_.size(),
      "it is of ",
      count,
      " ranks with task_owners; here there are ",
      ranks_.size(),
      ".");
  at::Tensor bytes;
  archive.read(
      "part_" + std::to_string(ranks_.rank()), bytes, /*is_buffer=*/true);
  torch::serialize::InputArchive part;
  part.load_from(
      reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>()),
      static_cast<size_t>(bytes.numel()));
  get(part, "data", *data_);
  TrainingState own;
  get(part, "training", own);
  TrainingState state = training_.state();
  state.sampler = own.sampler;
  training_.load_state(state);
}

void FitLoop::write_checkpoint(bool at_epoch_end, const OfRanks& of_ranks) {
  const auto marks = folder_->marks();
  folder_->mark(
      step_, at_epoch_end ? epoch_ : 0, best_ && best_->is_best_at(step_));
  std::string path;
  try {
    torch::serialize::OutputArchive archive;
    auto weights = model_.save(*training_.model(), archive);
    save_training(archive, of_ranks);
    path = folder_->write(step_, std::move(weights), archive);
  } catch (...) {
    folder_->set_marks(marks); // of files that are there
    throw;
  }
  checkpoint_step_ = step_;
  checkpoint_time_ = Clock::now();
  call([&](Callback& callback) { callback.on_checkpoint(fit_, path); });
}

void FitLoop::save_training(
    torch::serialize::OutputArchive& archive, const OfRanks& of_ranks) {
  archive.write("fit", c10::IValue(kFitVersion));
  archive.write(
      "polytask",
      c10::IValue(c10::str(
          POLYTASK_VERSION_MAJOR,
          ".",
          POLYTASK_VERSION_MINOR,
          ".",
          POLYTASK_VERSION_PATCH)));
  archive.write(
      "counts",
      c10::IValue(c10::List<int64_t>(
          {epoch_,
           step_,
           step_of_epoch_,
           validated_step_,
           static_cast<int64_t>(is_epoch_begun_),
           static_cast<int64_t>(stepper_.is_at_end()),
           static_cast<int64_t>(is_validation_due_),
           static_cast<int64_t>(is_epoch_end_due_)})));
  archive.write("seconds", c10::IValue(seconds()));
  archive.write(
      "marks",
      c10::IValue(c10::List<int64_t>(
          folder_ ? folder_->marks() : std::vector<int64_t>())));
  put(archive, "training", training_);
  put(archive, "data", *data_);
  if (options_.outer()) {
    put(archive, "outer", **options_.outer());
  }
  put(archive, "sums", sums_);
  put(archive, "history", history_);
  std::vector<std::string> names;
  for (const auto& callback : callbacks_) {
    if (!callback->name().empty()) {
      put(archive, "callback_" + std::to_string(names.size()), *callback);
      names.push_back(callback->name());
    }
  }
  polytask::detail::write_texts(archive, "callbacks", names);
  auto own = RandomState::capture();
  put(archive, "random", own);
  if (of_ranks.random.defined()) {
    archive.write("random_of_ranks", of_ranks.random, /*is_buffer=*/true);
  }
  if (!of_ranks.parts.empty()) {
    archive.write(
        "parts", c10::IValue(static_cast<int64_t>(of_ranks.parts.size())));
  }
  for (size_t i = 0; i < of_ranks.parts.size(); ++i) {
    archive.write(
        "part_" + std::to_string(i),
        polytask::detail::bytes_of_text(of_ranks.parts[i]),
        /*is_buffer=*/true);
  }
}

void FitLoop::load_all(
    torch::serialize::InputArchive& archive,
    const std::map<std::string, at::Tensor>& weights) {
  const polytask::detail::ArchiveReader reader(archive, "Fit");
  const int64_t version = reader.integer("fit");
  TORCH_CHECK_VALUE(
      version >= kOldestFitVersion && version <= kFitVersion,
      "it is of version ",
      version,
      ", which polytask ",
      reader.text("polytask"),
      " wrote; this one reads versions ",
      kOldestFitVersion,
      " to ",
      kFitVersion,
      ".");
  const auto counts = reader.integers("counts");
  TORCH_CHECK_VALUE(counts.size() == 8, "its counts are not eight.");
  // The training first: it changes nothing where the model is another one.
  get(archive, "training", training_);
  MultiTaskModel model = training_.model();
  CheckpointModel::load(archive, weights, *model);
  if (reader.has("parts")) {
    load_own_part(archive);
  } else {
    get(archive, "data", *data_);
  }
  if (options_.outer() && reader.has("outer")) {
    get(archive, "outer", **options_.outer());
  }
  get(archive, "sums", sums_);
  get(archive, "history", history_);
  const auto names = reader.texts("callbacks");
  for (const auto& callback : callbacks_) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (!callback->name().empty() && names[i] == callback->name()) {
        get(archive, "callback_" + std::to_string(i), *callback);
      }
    }
  }
  epoch_ = counts[0];
  step_ = counts[1];
  step_of_epoch_ = counts[2];
  validated_step_ = counts[3];
  is_epoch_begun_ = counts[4] != 0;
  stepper_.set_at_end(counts[5] != 0);
  is_validation_due_ = counts[6] != 0;
  is_epoch_end_due_ = counts[7] != 0;
  seconds_before_ = reader.number("seconds");
  if (folder_) {
    folder_->set_marks(reader.integers("marks"));
  }
  history_.stop_reason("");
  RandomState random;
  get(archive, "random", random);
  random.restore_present();
  at::Tensor of_ranks;
  if (archive.try_read("random_of_ranks", of_ranks, /*is_buffer=*/true)) {
    ranks_.restore_random(of_ranks);
  }
}

// A checkpoint that only fits in part leaves nothing changed.
void FitLoop::load_or_put_back(
    torch::serialize::InputArchive& archive,
    const std::map<std::string, at::Tensor>& weights,
    const std::string& path) {
  std::stringstream before;
  torch::serialize::OutputArchive now;
  CheckpointModel::save_whole(*training_.model(), now);
  save_training(now);
  now.save_to(before);
  try {
    load_all(archive, weights);
  } catch (const c10::Error&) {
    put_back(before);
    polytask::detail::rethrow_with(
        "Fit: cannot go on from the checkpoint " + path +
        ", which another training may have written: ");
  } catch (...) {
    put_back(before);
    throw;
  }
}

// What cannot go back, such as a callable's batches, stays; the first error is
// the one to be told.
void FitLoop::put_back(std::istream& before) {
  torch::serialize::InputArchive old;
  old.load_from(before);
  try {
    load_all(old, {});
  } catch (const std::exception& error) {
    TORCH_WARN("Fit: cannot put back all that was before: ", error.what());
  }
}

} // namespace polytask::fit::detail
