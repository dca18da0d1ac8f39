// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/evaluation.h>

#include <cstdint>
#include <optional>
#include <string>

#include "fit/compare_settings.h"

namespace polytask::fit::detail {

/// A run that has ended.
struct ComparedRun {
  int64_t steps = 0;
  double seconds = 0;
  /// On the test rows.
  Evaluation test;
};

/// With %XX for each byte that is no letter, digit, '_' or '-' of ASCII: good
/// for a file's name and between blanks.
std::string as_one_word(const std::string& name);
std::string from_one_word(const std::string& word);

/// Writes `<folder>/run.txt`.
void write_run(
    const std::string& folder,
    const CompareSettings& settings,
    const ComparedRun& run);
/// Nothing where there is none. Throws, with the path, on a file of other
/// settings and on what is no such file.
std::optional<ComparedRun> read_run(
    const std::string& folder, const CompareSettings& settings);

} // namespace polytask::fit::detail
