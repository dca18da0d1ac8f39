// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/ordered_dict.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::io::detail {

using NamedTensors = torch::OrderedDict<std::string, at::Tensor>;

/// A file of safetensors with this among its metadata, the kind of file as its
/// value, is polytask's own: what else it holds beside weights has names of
/// this beginning.
inline constexpr std::string_view kOwnKind = "polytask";
inline constexpr std::string_view kOwnPrefix = "polytask.";

/// One of a module's parameters or buffers, by all its names.
struct OwnWeight {
  at::Tensor tensor;
  std::vector<std::string> names;
};

/// Those that are defined, none twice. Throws ValueError for a name that is a
/// parameter's and a buffer's.
POLYTASK_API std::vector<OwnWeight> own_weights(
    const torch::nn::Module& module);

/// Tensors, each by one name, and further names for some of them.
struct StoredWeights {
  NamedTensors tensors{"Tensor"};
  std::map<std::string, std::string> aliases;
};

POLYTASK_API StoredWeights stored_weights(const torch::nn::Module& module);

} // namespace polytask::io::detail
