// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/inference/described_layer.h"

#include <c10/util/Exception.h>
#include <polytask/sharing/residual.h>

#include <nlohmann/json.hpp>

#include <array>
#include <set>
#include <typeinfo>

#include "core/check.h"
#include "io/inference/layer_kinds.h"

namespace polytask::io::detail {

namespace {

namespace nn = torch::nn;

// Null where one of them cannot be described.
LayerJson describe_children(const nn::Module& module) {
  LayerJson layers = LayerJson::array();
  for (const auto& child : module.named_children()) {
    LayerJson layer = describe_network(*child.value());
    if (layer.is_null()) {
      return nullptr;
    }
    layers.push_back({child.key(), std::move(layer)});
  }
  return layers;
}

// How many weights a layer is made with: more than the file has are not to be
// asked for.
double weight_count(const LayerJson& args) {
  constexpr std::array<std::array<const char*, 2>, 3> kMatrices = {
      {{"in_features", "out_features"},
       {"in_channels", "out_channels"},
       {"num_embeddings", "embedding_dim"}}};
  const auto times_all = [&](double count, const char* key) {
    for (const auto& size : args.at(key)) {
      count *= size.get<double>();
    }
    return count;
  };
  const auto has = [&](const char* key) {
    return args.contains(key) && layer_value<bool>(args, key) ? 1. : 0.;
  };
  double count = 0;
  for (const auto& [rows, columns] : kMatrices) {
    if (args.contains(rows)) {
      const auto outputs = layer_value<double>(args, columns);
      count = layer_value<double>(args, rows) * outputs;
      if (args.contains("groups")) {
        count = times_all(count, "kernel_size") /
            layer_value<double>(args, "groups");
      }
      count += outputs * has("bias");
    }
  }
  const double of_each = 2 * has("affine") + 2 * has("track_running_stats");
  for (const char* const key : {"num_features", "num_channels"}) {
    count += args.contains(key) ? layer_value<double>(args, key) * of_each : 0;
  }
  return args.contains("normalized_shape")
      ? times_all(2 * has("elementwise_affine"), "normalized_shape")
      : count;
}

class Maker {
 public:
  explicit Maker(double& weights) : weights_(weights) {}

  MadeLayer make(const LayerJson& description, int depth) {
    constexpr int kDeepest = 100;
    TORCH_CHECK_VALUE(
        depth < kDeepest, "more than ", kDeepest, " layers in one another.");
    const auto name = description.at("class").get<std::string>();
    if (name == "Sequential") {
      return sequential(description, depth);
    }
    if (name == "Residual") {
      return made(Residual(
          make(description.at("layers").at(0).at(1), depth + 1).network));
    }
    for (const auto& kind : layer_kinds()) {
      if (name == kind.name) {
        const LayerJson& args = description.at("args");
        const double count = weight_count(args);
        TORCH_CHECK_VALUE(
            count >= 0 && count <= weights_,
            "it describes more weights than it has.");
        weights_ -= count;
        return kind.make(args);
      }
    }
    C10_THROW_ERROR(
        ValueError,
        c10::str(
            "there is no layer '",
            name,
            "'; there are ",
            polytask::detail::quoted(described_layers()),
            "."));
  }

 private:
  MadeLayer sequential(const LayerJson& description, int depth) {
    nn::Sequential sequential;
    for (const auto& layer : description.at("layers")) {
      make(layer.at(1), depth + 1)
          .add_to(*sequential, layer.at(0).get<std::string>());
    }
    return {
        Network(sequential),
        [](nn::SequentialImpl& /*into*/, const std::string& inner) {
          TORCH_CHECK_VALUE(
              false, "'", inner, "': a Sequential stands in a Sequential.");
        }};
  }

  /// That are left.
  double& weights_;
};

} // namespace

LayerJson describe_network(const nn::Module& module) {
  const bool is_sequential = typeid(module) == typeid(nn::SequentialImpl);
  if (is_sequential || typeid(module) == typeid(ResidualImpl)) {
    LayerJson layers = describe_children(module);
    if (layers.is_null()) {
      return nullptr;
    }
    return {
        {"class", is_sequential ? "Sequential" : "Residual"},
        {"layers", std::move(layers)}};
  }
  for (const auto& kind : layer_kinds()) {
    LayerJson args = kind.describe(module);
    if (!args.is_null()) {
      return {{"class", kind.name}, {"args", std::move(args)}};
    }
  }
  return nullptr;
}

Network network_of(const LayerJson& description, double& weights) {
  return Maker(weights).make(description, 0).network;
}

std::vector<std::string> described_layers() {
  std::set<std::string> names{"Sequential", "Residual"};
  for (const auto& kind : layer_kinds()) {
    names.insert(kind.name);
  }
  return {names.begin(), names.end()};
}

} // namespace polytask::io::detail
