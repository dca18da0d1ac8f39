// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/exported/program.h"

namespace polytask::io::detail {

/// A weight's place in a record that it shares with those whose memory it
/// shares.
struct StoredWeight {
  std::string name;
  at::ScalarType dtype;
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

struct WeightRecord {
  std::string record;
  size_t bytes = 0;
  std::vector<StoredWeight> weights;
  /// What it held, where the program does not use all of it; else empty.
  std::string rest;
};

/// A `.pt2`: the program, and all that is written again with other weights.
struct ProgramFile {
  Program program;
  /// Records of its parameters, buffers and constants.
  std::vector<WeightRecord> weights;
  /// All other records as they were, by name.
  std::vector<std::pair<std::string, std::string>> others;
};

struct LoadedProgram {
  std::shared_ptr<const ProgramFile> file;
  /// In the order of `Program::weights`. Those of one memory share it, and
  /// equal ones are one tensor.
  std::vector<at::Tensor> weights;
};

/// Throws with the path. An empty `model` is the only one.
LoadedProgram read_program(const std::string& path, const std::string& model);

/// Throws where a weight has another shape or dtype than the file says, and
/// where it cannot be written.
void write_program(
    const std::string& path,
    const ProgramFile& file,
    const std::vector<at::Tensor>& weights);

} // namespace polytask::io::detail
