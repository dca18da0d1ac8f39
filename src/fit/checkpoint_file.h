// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include "io/own_weights.h"

namespace polytask::fit::detail {

/// Writes a file of safetensors: a model's weights by their names, and beside
/// them an archive of all else and a checksum. It is written beside, synced and
/// renamed: whoever is killed meanwhile leaves the old file, or none, or the
/// new one. Throws, with the path, if it cannot; then there is no new file.
POLYTASK_API void write_checkpoint(
    const std::string& path,
    io::detail::StoredWeights weights,
    torch::serialize::OutputArchive& archive);

/// What is wrong with a file as such: it cannot be read, it is cut, or a byte
/// of it is not what was written; empty where nothing is. Reads all of it.
POLYTASK_API std::string checkpoint_fault(const std::string& path);

/// Of a file without a fault: the archive, and the model's weights by all their
/// names where they are not in it.
POLYTASK_API void read_checkpoint(
    const std::string& path,
    torch::serialize::InputArchive& archive,
    std::map<std::string, at::Tensor>& weights);

} // namespace polytask::fit::detail
