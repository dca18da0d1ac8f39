// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/inference/layer_kinds.h"

#include <c10/util/Exception.h>
#include <polytask/task/linear_task.h>
#include <torch/nn/modules.h>

#include <array>
#include <typeinfo>
#include <variant>

namespace polytask::io::detail {

namespace {

namespace nn = torch::nn;

// `args(options)` is what Python's constructor takes, `options(args)` the way
// back. A class derived from the layer is another layer.
template <typename Holder, typename Args, typename Options>
LayerKind kind(const char* name, const Args& args, const Options& options) {
  using Impl = typename Holder::ContainedType;
  return {
      name,
      [args](const nn::Module& module) -> LayerJson {
        if (typeid(module) != typeid(Impl)) {
          return nullptr;
        }
        return args(dynamic_cast<const Impl&>(module));
      },
      [options](const LayerJson& taken) {
        return made(Holder(options(taken)));
      }};
}

// Of a layer that takes nothing.
template <typename Holder>
LayerKind bare(const char* name) {
  using Impl = typename Holder::ContainedType;
  return {
      name,
      [](const nn::Module& module) -> LayerJson {
        return typeid(module) == typeid(Impl) ? LayerJson::object()
                                              : LayerJson();
      },
      [](const LayerJson& /*args*/) { return made(Holder()); }};
}

template <size_t N>
std::vector<int64_t> list(const torch::ExpandingArray<N>& array) {
  return {array->begin(), array->end()};
}

std::vector<int64_t> integers(const LayerJson& args, const char* key) {
  std::vector<int64_t> values;
  for (const auto& value : args.at(key)) {
    values.push_back(polytask::detail::json_integer(value));
  }
  return values;
}

template <size_t N>
torch::ExpandingArray<N> array(const LayerJson& args, const char* key) {
  const auto values = integers(args, key);
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
                   layer_value<int64_t>(args, "in_features"),
                   layer_value<int64_t>(args, "out_features"))
            .bias(layer_value<bool>(args, "bias"));
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
                   layer_value<int64_t>(args, "in_channels"),
                   layer_value<int64_t>(args, "out_channels"),
                   array<N>(args, "kernel_size"))
            .stride(array<N>(args, "stride"))
            .padding(array<N>(args, "padding"))
            .dilation(array<N>(args, "dilation"))
            .groups(layer_value<int64_t>(args, "groups"))
            .bias(layer_value<bool>(args, "bias"));
      });
  const auto describe = layer.describe;
  layer.describe = [describe](const nn::Module& module) -> LayerJson {
    const auto* const convolution = dynamic_cast<const Impl*>(&module);
    const bool has_zeros = convolution != nullptr &&
        std::holds_alternative<torch::ExpandingArray<N>>(
                               convolution->options.padding()) &&
        std::holds_alternative<torch::enumtype::kZeros>(
                               convolution->options.padding_mode());
    return has_zeros ? describe(module) : LayerJson();
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
        nn::BatchNormOptions options(
            layer_value<int64_t>(args, "num_features"));
        options.eps(layer_value<double>(args, "eps"))
            .affine(layer_value<bool>(args, "affine"))
            .track_running_stats(
                layer_value<bool>(args, "track_running_stats"));
        if (args.at("momentum").is_null()) {
          options.momentum(std::nullopt);
        } else {
          options.momentum(layer_value<double>(args, "momentum"));
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
        return nn::LayerNormOptions(integers(args, "normalized_shape"))
            .eps(layer_value<double>(args, "eps"))
            .elementwise_affine(layer_value<bool>(args, "elementwise_affine"));
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
                   layer_value<int64_t>(args, "num_groups"),
                   layer_value<int64_t>(args, "num_channels"))
            .eps(layer_value<double>(args, "eps"))
            .affine(layer_value<bool>(args, "affine"));
      });
}

LayerKind embedding() {
  return {
      "Embedding",
      [](const nn::Module& module) -> LayerJson {
        if (typeid(module) != typeid(nn::EmbeddingImpl)) {
          return nullptr;
        }
        const auto& options =
            dynamic_cast<const nn::EmbeddingImpl&>(module).options;
        if (options.max_norm()) { // its forward changes the weights
          return nullptr;
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
            layer_value<int64_t>(args, "num_embeddings"),
            layer_value<int64_t>(args, "embedding_dim"));
        if (!args.at("padding_idx").is_null()) {
          options.padding_idx(layer_value<int64_t>(args, "padding_idx"));
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
            .ceil_mode(layer_value<bool>(args, "ceil_mode"));
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
            .ceil_mode(layer_value<bool>(args, "ceil_mode"))
            .count_include_pad(layer_value<bool>(args, "count_include_pad"));
        if (!args.at("divisor_override").is_null()) {
          options.divisor_override(
              layer_value<int64_t>(args, "divisor_override"));
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
              size.is_null()
                  ? std::nullopt
                  : std::optional(polytask::detail::json_integer(size)));
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
        return Options(layer_value<double>(args, key));
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
            layer_value<double>(args, "negative_slope"));
      });
}

LayerKind elu() {
  return kind<nn::ELU>(
      "ELU",
      [](const nn::ELUImpl& layer) -> LayerJson {
        return {{"alpha", layer.options.alpha()}};
      },
      [](const LayerJson& args) {
        return nn::ELUOptions().alpha(layer_value<double>(args, "alpha"));
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
            .beta(layer_value<double>(args, "beta"))
            .threshold(layer_value<double>(args, "threshold"));
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
            layer_value<std::string>(args, "approximate"));
      });
}

LayerKind softmax() {
  return kind<nn::Softmax>(
      "Softmax",
      [](const nn::SoftmaxImpl& layer) -> LayerJson {
        return {{"dim", layer.options.dim()}};
      },
      [](const LayerJson& args) {
        return nn::SoftmaxOptions(layer_value<int64_t>(args, "dim"));
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
            .start_dim(layer_value<int64_t>(args, "start_dim"))
            .end_dim(layer_value<int64_t>(args, "end_dim"));
      });
}

LayerKind dropout() {
  return of_number<nn::Dropout, nn::DropoutOptions>(
      "Dropout", "p", [](const nn::DropoutOptions& options) {
        return options.p();
      });
}

} // namespace

const std::vector<LayerKind>& layer_kinds() {
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

} // namespace polytask::io::detail
