// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/archives.h>
#include <polytask/fit/checkpoint_options.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/own_weights.h"

namespace polytask::fit::detail {

/// Of which step the file of that name is a checkpoint, if it is one.
std::optional<int64_t> step_of_checkpoint(std::string_view name);

/// A training's folder: files "checkpoint-<step>.safetensors", of which those
/// stay that the options say.
class CheckpointFolder {
 public:
  /// Of a folder that is there. Clears away what a killed writer left.
  CheckpointFolder(std::string path, const CheckpointOptions& options);

  /// The newest one without a fault; warns, by name, of those that have one.
  /// Nothing where there is none.
  std::optional<std::string> newest() const;

  /// Of the last file, whole or not; -1 where there is none.
  int64_t newest_step() const;

  /// Says of the checkpoint that is to be written next what it is: the best so
  /// far, and how many epochs have ended where it stands at the end of one,
  /// else 0.
  void mark(int64_t step, int64_t epochs, bool is_best);
  /// Writes it, and then removes those that are not to stay. Returns the path.
  std::string write(
      int64_t step,
      io::detail::StoredWeights weights,
      torch::serialize::OutputArchive& archive);

  /// Which steps are marked; the checkpoints themselves keep that.
  std::vector<int64_t> marks() const;
  void set_marks(const std::vector<int64_t>& marks);

  std::string path_of(const std::string& file) const;

 private:
  std::string checkpoint_path(int64_t step, const char* end) const;
  /// Steps, the newest first, those of old files too.
  std::vector<int64_t> steps() const;
  void remove_old(int64_t newest) const;

  std::string folder_;
  CheckpointOptions options_;
  int64_t best_ = -1;
  std::vector<int64_t> kept_;
};

} // namespace polytask::fit::detail
