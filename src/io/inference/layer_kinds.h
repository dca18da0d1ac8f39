// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/network.h>
#include <torch/nn/modules/container/sequential.h>

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/json_checks.h"
#include "io/inference/described_layer.h"

namespace polytask::io::detail {

/// A Sequential takes any module but another Sequential.
struct MadeLayer {
  Network network;
  std::function<void(torch::nn::SequentialImpl&, const std::string&)> add_to;
};

template <typename Holder>
MadeLayer made(Holder layer) {
  return {
      Network(layer),
      [layer](torch::nn::SequentialImpl& into, const std::string& name) {
        into.push_back(std::string(name), layer);
      }};
}

/// A layer of LibTorch's, what Python's constructor takes for it, and the way
/// back.
struct LayerKind {
  const char* name;
  /// Null of any other module.
  std::function<LayerJson(const torch::nn::Module&)> describe;
  std::function<MadeLayer(const LayerJson&)> make;
};

const std::vector<LayerKind>& layer_kinds();

/// One of what it takes. An integer is one, and no fraction.
template <typename T>
T layer_value(const LayerJson& args, const char* key) {
  if constexpr (std::is_same_v<T, int64_t>) {
    return polytask::detail::json_integer(args.at(key));
  } else {
    return args.at(key).get<T>();
  }
}

} // namespace polytask::io::detail
