// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace polytask::detail {

/// How an archive's keys are told to people.
using KeyName = std::function<std::string(
    const std::string& prefix, const std::string& key)>;

/// Compares an archive with that of a model's own state, `own`, for LibTorch's
/// load puts whatever it finds into a module and passes over what it does not
/// look for. Throws, and names the first difference, unless both have the same
/// tensors by name, shape and dtype. `ignored`: keys at the top that are not
/// looked at.
///
/// Modules without a state may be more or fewer, and numbered ones, as in a
/// Sequential, are then told apart by their order. Where the archive therefore
/// differs from what LibTorch's load expects, or is on another device, returns
/// a copy that does not; else nothing.
std::optional<torch::serialize::InputArchive> fit_archive(
    torch::serialize::InputArchive& own,
    torch::serialize::InputArchive& stored,
    const std::vector<std::string>& ignored,
    const KeyName& name);

/// What `write` writes, as an archive to read from.
torch::serialize::InputArchive written_by(
    const std::function<void(torch::serialize::OutputArchive&)>& write);

} // namespace polytask::detail
