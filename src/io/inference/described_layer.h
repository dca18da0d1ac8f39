// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/network.h>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace polytask::io::detail {

using LayerJson = nlohmann::ordered_json;

/// A network of LibTorch's own layers, in Sequentials and Residuals, as JSON:
/// each layer by its class in Python's torch.nn and what its constructor takes
/// there, `{"class": "Linear", "args": {"in_features": 2, ...}}`; containers by
/// their modules' names, `{"class": "Sequential", "layers": [["0", {...}]]}`.
/// Null where another module is among them.
LayerJson describe_network(const torch::nn::Module& module);

/// The network of such a description, with weights that are still to be loaded,
/// of which no more than `weights` are left; takes off what it has. Throws,
/// nlohmann-json's errors too, where it is none.
Network network_of(const LayerJson& description, double& weights);

/// The layers that can be described.
std::vector<std::string> described_layers();

} // namespace polytask::io::detail
