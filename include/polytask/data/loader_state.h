// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace polytask::data {

/// What decides which rows a loader gives out, and so whose state a state is.
struct POLYTASK_API LoaderFingerprint {
  int64_t rows = 0;
  int64_t batch_size = 0;
  bool shuffle = false;
  bool drop_last = false;
  uint64_t seed = 0;

  bool operator==(const LoaderFingerprint& other) const = default;
};

/// Where a loader stands. The order of an epoch depends only on the seed and
/// the epoch's number, so nothing else has to be kept.
struct POLYTASK_API LoaderState {
  /// Counts from 0.
  int64_t epoch = 0;
  /// How many rows of the epoch have been given out.
  int64_t position = 0;
  /// Which loader wrote the state, for another to refuse it; a state without
  /// one is taken for what it says.
  std::optional<LoaderFingerprint> loader = std::nullopt;

  bool operator==(const LoaderState& other) const = default;

  void save(torch::serialize::OutputArchive& archive) const;
  /// Throws `c10::ValueError`, in the name of `who`, for an archive that no
  /// loader wrote, or that of a newer polytask.
  static LoaderState read(
      torch::serialize::InputArchive& archive, const std::string& who);
};

} // namespace polytask::data
