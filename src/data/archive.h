// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>
#include <torch/serialize/archive.h>

#include <cstdint>
#include <string>

namespace polytask::detail {

/// Writes what an archive is of, and the version of its format.
void write_kind(
    torch::serialize::OutputArchive& archive,
    const std::string& kind,
    int64_t version);

/// Throws `c10::ValueError`, in the name of `who`, unless the archive is of
/// that kind and of no later version.
void check_kind(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& kind,
    int64_t version);

/// A value that has to be there; the others ask for its type too.
c10::IValue read_value(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& key);
int64_t read_integer(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& key);
bool read_flag(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& key);

} // namespace polytask::detail
