// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/inference/described_layer.h"

#include <c10/util/Exception.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/linear_task.h>
#include <torch/nn/modules.h>

#include <nlohmann/json.hpp>

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <typeinfo>
#include <variant>

#include "core/check.h"

namespace polytask::io::detail {

namespace {

namespace nn = torch::nn;

// A Sequential takes any module but another Sequential.
struct MadeLayer {
  Network network;
  std::function<void(nn::SequentialImpl&, const std::string&)> add_to;
};

struct LayerKind {
  const char* name;
  std::function<std::optional<LayerJson>(const nn::Module&)> describe;
  std::function<MadeLayer(const LayerJson&)> make;
};

template <typename Holder>
MadeLayer made(Holder layer) {
  return {Network(layer), [layer](nn::SequentialImpl& into, const auto& name) {
            into.push_back(std::string(name), layer);
          }};
}

// `args(options)` is what Python's constructor takes, `options(args)` the way
// back. A class derived from the layer is another layer.
template <typename Holder, typename Args, typename Options>
LayerKind kind(const char* name, const Args& args, const Options& options) {
  using Impl = typename Holder::ContainedType;
  return {
      name,
      [args](const nn::Module& module) -> std::optional<LayerJson> {
        if (typeid(module) != typeid(Impl)) {
          return std::nullopt;
        }
        return args(dynamic_cast<const Impl&>(module));
      },
      [options](const LayerJson& json) { return made(Holder(options(json))); }};
}

// Of a layer that takes nothing.
template <typename Holder>
LayerKind bare(const char* name) {
  using Impl = typename Holder::ContainedType;
  return {
      name,
      [](const nn::Module& module) -> std::optional<LayerJson> {
        return typeid(module) == typeid(Impl)
            ? std::optional<LayerJson>(LayerJson::object())
            : std::nullopt;
      },
      [](const LayerJson& /*args*/) { return made(Holder()); }};
}

template <size_t N>
std::vector<int64_t> list(const torch::ExpandingArray<N>& array) {
  return {array->begin(), array->end()};
}

template <size_t N>
torch::ExpandingArray<N> array(const LayerJson& args, const char* key) {
  const auto values = args.at(key).get<std::vector<int64_t>>();
  TORCH_CHECK_VALUE(
      values.size() == N,
      "'",
      key,
      "': expected ",
      N,
      " numbers, but got ",
      values.size(),
      ".");
  return torch::ExpandingArray<N>(at::IntArrayRef(values));
}

template <typename T>
T value(const LayerJson& args, const char* key) {
  return args.at(key).get<T>();
}

// A linear task's head is one to Python.
template <typename Holder>
LayerKind linear() {
  using Impl = typename Holder::ContainedType;
  return kind<Holder>(
      "Linear",
      [](const Impl& layer) -> LayerJson {
        return {
            {"in_features", layer.options.in_features()},
            {"out_features", layer.options.out_features()},
            {"bias", layer.options.bias()}};
      },
      [](const LayerJson& args) {
        using Options = decltype(Impl::options);
        return Options(
                   value<int64_t>(args, "in_features"),
                   value<int64_t>(args, "out_features"))
            .bias(value<bool>(args, "bias"));
      });
}

// Zeros are the only padding that LibTorch and Python name alike.
template <typename Holder, size_t N>
LayerKind convolution(const char* name) {
  using Impl = typename Holder::ContainedType;
  LayerKind layer = kind<Holder>(
      name,
      [](const Impl& convolution) -> LayerJson {
        const auto& options = convolution.options;
        return {
            {"in_channels", options.in_channels()},
            {"out_channels", options.out_channels()},
            {"kernel_size", list(options.kernel_size())},
            {"stride", list(options.stride())},
            {"padding",
             list(std::get<torch::ExpandingArray<N>>(options.padding()))},
            {"dilation", list(options.dilation())},
            {"groups", options.groups()},
            {"bias", options.bias()}};
      },
      [](const LayerJson& args) {
        return nn::ConvOptions<N>(
                   value<int64_t>(args, "in_channels"),
                   value<int64_t>(args, "out_channels"),
                   array<N>(args, "kernel_size"))
            .stride(array<N>(args, "stride"))
            .padding(array<N>(args, "padding"))
            .dilation(array<N>(args, "dilation"))
            .groups(value<int64_t>(args, "groups"))
            .bias(value<bool>(args, "bias"));
      });
  const auto describe = layer.describe;
  layer.describe =
      [describe](const nn::Module& module) -> std::optional<LayerJson> {
    const auto* const convolution = dynamic_cast<const Impl*>(&module);
    const bool has_zeros = convolution != nullptr &&
        std::holds_alternative<torch::ExpandingArray<N>>(
                               convolution->options.padding()) &&
        std::holds_alternative<torch::enumtype::kZeros>(
                               convolution->options.padding_mode());
    return has_zeros ? describe(module) : std::nullopt;
  };
  return layer;
}

template <typename Holder>
LayerKind batch_norm(const char* name) {
  using Impl = typename Holder::ContainedType;
  return kind<Holder>(
      name,
      [](const Impl& layer) -> LayerJson {
        const auto& options = layer.options;
        LayerJson args = {
            {"num_features", options.num_features()},
            {"eps", options.eps()},
            {"momentum", nullptr},
            {"affine", options.affine()},
            {"track_running_stats", options.track_running_stats()}};
        if (options.momentum()) {
          args["momentum"] = *options.momentum();
        }
        return args;
      },
      [](const LayerJson& args) {
        nn::BatchNormOptions options(value<int64_t>(args, "num_features"));
        options.eps(value<double>(args, "eps"))
            .affine(value<bool>(args, "affine"))
            .track_running_stats(value<bool>(args, "track_running_stats"));
        if (args.at("momentum").is_null()) {
          options.momentum(std::nullopt);
        } else {
          options.momentum(value<double>(args, "momentum"));
        }
        return options;
      });
}

LayerKind layer_norm() {
  return kind<nn::LayerNorm>(
      "LayerNorm",
      [](const nn::LayerNormImpl& layer) -> LayerJson {
        return {
            {"normalized_shape", layer.options.normalized_shape()},
            {"eps", layer.options.eps()},
            {"elementwise_affine", layer.options.elementwise_affine()}};
      },
      [](const LayerJson& args) {
        return nn::LayerNormOptions(
                   value<std::vector<int64_t>>(args, "normalized_shape"))
            .eps(value<double>(args, "eps"))
            .elementwise_affine(value<bool>(args, "elementwise_affine"));
      });
}

LayerKind group_norm() {
  return kind<nn::GroupNorm>(
      "GroupNorm",
      [](const nn::GroupNormImpl& layer) -> LayerJson {
        return {
            {"num_groups", layer.options.num_groups()},
            {"num_channels", layer.options.num_channels()},
            {"eps", layer.options.eps()},
            {"affine", layer.options.affine()}};
      },
      [](const LayerJson& args) {
        return nn::GroupNormOptions(
                   value<int64_t>(args, "num_groups"),
                   value<int64_t>(args, "num_channels"))
            .eps(value<double>(args, "eps"))
            .affine(value<bool>(args, "affine"));
      });
}

LayerKind embedding() {
  return {
      "Embedding",
      [](const nn::Module& module) -> std::optional<LayerJson> {
        if (typeid(module) != typeid(nn::EmbeddingImpl)) {
          return std::nullopt;
        }
        const auto& options =
            dynamic_cast<const nn::EmbeddingImpl&>(module).options;
        if (options.max_norm()) { // its forward changes the weights
          return std::nullopt;
        }
        LayerJson args = {
            {"num_embeddings", options.num_embeddings()},
            {"embedding_dim", options.embedding_dim()},
            {"padding_idx", nullptr}};
        if (options.padding_idx()) {
          args["padding_idx"] = *options.padding_idx();
        }
        return args;
      },
      [](const LayerJson& args) {
        nn::EmbeddingOptions options(
            value<int64_t>(args, "num_embeddings"),
            value<int64_t>(args, "embedding_dim"));
        if (!args.at("padding_idx").is_null()) {
          options.padding_idx(value<int64_t>(args, "padding_idx"));
        }
        return made(nn::Embedding(options));
      }};
}

LayerKind max_pool() {
  return kind<nn::MaxPool2d>(
      "MaxPool2d",
      [](const nn::MaxPool2dImpl& layer) -> LayerJson {
        return {
            {"kernel_size", list(layer.options.kernel_size())},
            {"stride", list(layer.options.stride())},
            {"padding", list(layer.options.padding())},
            {"dilation", list(layer.options.dilation())},
            {"ceil_mode", layer.options.ceil_mode()}};
      },
      [](const LayerJson& args) {
        return nn::MaxPool2dOptions(array<2>(args, "kernel_size"))
            .stride(array<2>(args, "stride"))
            .padding(array<2>(args, "padding"))
            .dilation(array<2>(args, "dilation"))
            .ceil_mode(value<bool>(args, "ceil_mode"));
      });
}

LayerKind average_pool() {
  return kind<nn::AvgPool2d>(
      "AvgPool2d",
      [](const nn::AvgPool2dImpl& layer) -> LayerJson {
        LayerJson args = {
            {"kernel_size", list(layer.options.kernel_size())},
            {"stride", list(layer.options.stride())},
            {"padding", list(layer.options.padding())},
            {"ceil_mode", layer.options.ceil_mode()},
            {"count_include_pad", layer.options.count_include_pad()},
            {"divisor_override", nullptr}};
        if (layer.options.divisor_override()) {
          args["divisor_override"] = *layer.options.divisor_override();
        }
        return args;
      },
      [](const LayerJson& args) {
        nn::AvgPool2dOptions options(array<2>(args, "kernel_size"));
        options.stride(array<2>(args, "stride"))
            .padding(array<2>(args, "padding"))
            .ceil_mode(value<bool>(args, "ceil_mode"))
            .count_include_pad(value<bool>(args, "count_include_pad"));
        if (!args.at("divisor_override").is_null()) {
          options.divisor_override(value<int64_t>(args, "divisor_override"));
        }
        return options;
      });
}

// A size that is that of the input is null.
LayerKind adaptive_average_pool() {
  return kind<nn::AdaptiveAvgPool2d>(
      "AdaptiveAvgPool2d",
      [](const nn::AdaptiveAvgPool2dImpl& layer) -> LayerJson {
        LayerJson sizes = LayerJson::array();
        for (const auto& size : *layer.options.output_size()) {
          sizes.push_back(size ? LayerJson(*size) : LayerJson());
        }
        return {{"output_size", sizes}};
      },
      [](const LayerJson& args) {
        std::vector<std::optional<int64_t>> sizes;
        for (const auto& size : args.at("output_size")) {
          sizes.push_back(
              size.is_null() ? std::nullopt
                             : std::optional(size.get<int64_t>()));
        }
        TORCH_CHECK_VALUE(
            sizes.size() == 2, "'output_size': expected two numbers.");
        return nn::AdaptiveAvgPool2dOptions({sizes[0], sizes[1]});
      });
}

// Layers of one number.
template <typename Holder, typename Options, typename Get>
LayerKind of_number(const char* name, const char* key, const Get& get) {
  using Impl = typename Holder::ContainedType;
  return kind<Holder>(
      name,
      [key, get](const Impl& layer) -> LayerJson {
        return {{key, get(layer.options)}};
      },
      [key](const LayerJson& args) {
        return Options(value<double>(args, key));
      });
}

LayerKind leaky_relu() {
  return kind<nn::LeakyReLU>(
      "LeakyReLU",
      [](const nn::LeakyReLUImpl& layer) -> LayerJson {
        return {{"negative_slope", layer.options.negative_slope()}};
      },
      [](const LayerJson& args) {
        return nn::LeakyReLUOptions().negative_slope(
            value<double>(args, "negative_slope"));
      });
}

LayerKind elu() {
  return kind<nn::ELU>(
      "ELU",
      [](const nn::ELUImpl& layer) -> LayerJson {
        return {{"alpha", layer.options.alpha()}};
      },
      [](const LayerJson& args) {
        return nn::ELUOptions().alpha(value<double>(args, "alpha"));
      });
}

LayerKind softplus() {
  return kind<nn::Softplus>(
      "Softplus",
      [](const nn::SoftplusImpl& layer) -> LayerJson {
        return {
            {"beta", layer.options.beta()},
            {"threshold", layer.options.threshold()}};
      },
      [](const LayerJson& args) {
        return nn::SoftplusOptions()
            .beta(value<double>(args, "beta"))
            .threshold(value<double>(args, "threshold"));
      });
}

LayerKind gelu() {
  return kind<nn::GELU>(
      "GELU",
      [](const nn::GELUImpl& layer) -> LayerJson {
        return {{"approximate", layer.options.approximate()}};
      },
      [](const LayerJson& args) {
        return nn::GELUOptions().approximate(
            value<std::string>(args, "approximate"));
      });
}

LayerKind softmax() {
  return kind<nn::Softmax>(
      "Softmax",
      [](const nn::SoftmaxImpl& layer) -> LayerJson {
        return {{"dim", layer.options.dim()}};
      },
      [](const LayerJson& args) {
        return nn::SoftmaxOptions(value<int64_t>(args, "dim"));
      });
}

LayerKind flatten() {
  return kind<nn::Flatten>(
      "Flatten",
      [](const nn::FlattenImpl& layer) -> LayerJson {
        return {
            {"start_dim", layer.options.start_dim()},
            {"end_dim", layer.options.end_dim()}};
      },
      [](const LayerJson& args) {
        return nn::FlattenOptions()
            .start_dim(value<int64_t>(args, "start_dim"))
            .end_dim(value<int64_t>(args, "end_dim"));
      });
}

LayerKind dropout() {
  return of_number<nn::Dropout, nn::DropoutOptions>(
      "Dropout", "p", [](const nn::DropoutOptions& options) {
        return options.p();
      });
}

const std::vector<LayerKind>& kinds() {
  static const std::vector<LayerKind> all = {
      linear<nn::Linear>(),
      linear<LinearTask>(),
      convolution<nn::Conv1d, 1>("Conv1d"),
      convolution<nn::Conv2d, 2>("Conv2d"),
      batch_norm<nn::BatchNorm1d>("BatchNorm1d"),
      batch_norm<nn::BatchNorm2d>("BatchNorm2d"),
      layer_norm(),
      group_norm(),
      embedding(),
      max_pool(),
      average_pool(),
      adaptive_average_pool(),
      flatten(),
      dropout(),
      bare<nn::ReLU>("ReLU"),
      bare<nn::ReLU6>("ReLU6"),
      leaky_relu(),
      elu(),
      bare<nn::SELU>("SELU"),
      gelu(),
      bare<nn::SiLU>("SiLU"),
      bare<nn::Mish>("Mish"),
      bare<nn::Sigmoid>("Sigmoid"),
      bare<nn::Tanh>("Tanh"),
      softplus(),
      softmax(),
      bare<nn::Identity>("Identity")};
  return all;
}

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

// How many weights a layer is made with, at the least: more than the file has
// are not to be asked for.
double weight_count(const LayerJson& args) {
  constexpr std::array<std::array<const char*, 2>, 3> kMatrices = {
      {{"in_features", "out_features"},
       {"in_channels", "out_channels"},
       {"num_embeddings", "embedding_dim"}}};
  double count = 0;
  for (const auto& [rows, columns] : kMatrices) {
    if (args.contains(rows)) {
      count = value<double>(args, rows) * value<double>(args, columns);
    }
  }
  if (args.contains("kernel_size") && args.contains("groups")) {
    for (const auto& size : args.at("kernel_size")) {
      count *= size.get<double>();
    }
    count /= value<double>(args, "groups");
  }
  for (const char* const key : {"num_features", "num_channels"}) {
    count += args.contains(key) ? value<double>(args, key) : 0;
  }
  if (args.contains("normalized_shape")) {
    count = 1;
    for (const auto& size : args.at("normalized_shape")) {
      count *= size.get<double>();
    }
  }
  return count;
}

class Maker {
 public:
  explicit Maker(int64_t weights) : weights_(static_cast<double>(weights)) {}

  MadeLayer make(const LayerJson& json, int depth) {
    constexpr int kDeepest = 100;
    TORCH_CHECK_VALUE(
        depth < kDeepest, "more than ", kDeepest, " layers in one another.");
    const auto name = json.at("class").get<std::string>();
    if (name == "Sequential") {
      return sequential(json, depth);
    }
    if (name == "Residual") {
      return made(
          Residual(make(json.at("layers").at(0).at(1), depth + 1).network));
    }
    for (const auto& kind : kinds()) {
      if (name == kind.name) {
        const LayerJson& args = json.at("args");
        weights_ -= weight_count(args);
        TORCH_CHECK_VALUE(
            weights_ >= 0, "it describes more weights than it has.");
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
  MadeLayer sequential(const LayerJson& json, int depth) {
    nn::Sequential sequential;
    for (const auto& layer : json.at("layers")) {
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
  double weights_;
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
  for (const auto& kind : kinds()) {
    if (auto args = kind.describe(module)) {
      return {{"class", kind.name}, {"args", std::move(*args)}};
    }
  }
  return nullptr;
}

Network network_of(const LayerJson& json, int64_t weights) {
  return Maker(weights).make(json, 0).network;
}

std::vector<std::string> described_layers() {
  std::set<std::string> names{"Sequential", "Residual"};
  for (const auto& kind : kinds()) {
    names.insert(kind.name);
  }
  return {names.begin(), names.end()};
}

} // namespace polytask::io::detail
