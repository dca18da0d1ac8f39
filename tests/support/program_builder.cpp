// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/program_builder.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <caffe2/serialize/inline_container.h>

#include <map>

namespace polytask::testing {

namespace {

using Json = nlohmann::json;

int number_of(at::ScalarType type) {
  static const std::map<at::ScalarType, int> numbers = {
      {at::kLong, 5}, {at::kFloat, 7}, {at::kDouble, 8}};
  return numbers.at(type);
}

Json numbers_as_sizes(at::IntArrayRef sizes) {
  Json list = Json::array();
  for (const auto size : sizes) {
    list.push_back({{"as_int", size}});
  }
  return list;
}

Json meta(const at::Tensor& value) {
  return {
      {"dtype", number_of(value.scalar_type())},
      {"sizes", numbers_as_sizes(value.sizes())},
      {"requires_grad", value.requires_grad()},
      {"device", {{"type", "cpu"}, {"index", nullptr}}},
      {"strides", numbers_as_sizes(value.strides())},
      {"storage_offset", {{"as_int", value.storage_offset()}}},
      {"layout", 7}};
}

} // namespace

ProgramBuilder::ProgramBuilder()
    : program(
          {{"graph_module",
            {{"graph",
              {{"inputs", Json::array()},
               {"outputs", Json::array()},
               {"nodes", Json::array()},
               {"tensor_values", Json::object()},
               {"sym_int_values", Json::object()},
               {"sym_bool_values", Json::object()}}},
             {"signature",
              {{"input_specs", Json::array()},
               {"output_specs", Json::array()}}},
             {"module_call_graph", Json::array()}}},
           {"opset_version", {{"aten", 10}}},
           {"range_constraints", Json::object()},
           {"schema_version", {{"major", 8}, {"minor", 14}}}}),
      weights({{"config", Json::object()}}),
      constants({{"config", Json::object()}}) {}

void ProgramBuilder::add_tensor(
    Json& config,
    const std::string& folder,
    const std::string& stem,
    const std::string& name,
    const at::Tensor& value,
    bool is_parameter) {
  std::string path;
  for (const auto& [tensor, known] : stored_) {
    path = tensor.is_same(value) ? known : path;
  }
  if (path.empty()) {
    path = stem + std::to_string(stored_.size());
    stored_.emplace_back(value, path);
    others.emplace_back(
        folder + path,
        std::string(
            static_cast<const char*>(value.storage().data()),
            value.storage().nbytes()));
  }
  config["config"][name] = {
      {"path_name", path},
      {"is_param", is_parameter},
      {"use_pickle", false},
      {"tensor_meta", meta(value)}};
}

ProgramBuilder& ProgramBuilder::parameter(
    const std::string& name, const at::Tensor& value) {
  input_specs().push_back(
      {{"parameter", {{"arg", {{"name", name}}}, {"parameter_name", name}}}});
  add_tensor(weights, "data/weights/", "weight_", name, value, true);
  return *this;
}

ProgramBuilder& ProgramBuilder::buffer(
    const std::string& name, const at::Tensor& value, bool persistent) {
  input_specs().push_back(
      {{"buffer",
        {{"arg", {{"name", name}}},
         {"buffer_name", name},
         {"persistent", persistent}}}});
  if (persistent) {
    add_tensor(weights, "data/weights/", "weight_", name, value, false);
  } else {
    add_tensor(constants, "data/constants/", "tensor_", name, value, false);
  }
  return *this;
}

ProgramBuilder& ProgramBuilder::constant(
    const std::string& name, const at::Tensor& value) {
  input_specs().push_back(
      {{"tensor_constant",
        {{"arg", {{"name", name}}}, {"tensor_constant_name", name}}}});
  add_tensor(constants, "data/constants/", "tensor_", name, value, false);
  return *this;
}

ProgramBuilder& ProgramBuilder::input(
    const std::string& name, const std::vector<int64_t>& sizes) {
  input_specs().push_back({{"user_input", {{"arg", tensor_named(name)}}}});
  Json list = Json::array();
  for (const auto size : sizes) {
    if (size >= 0) {
      list.push_back({{"as_int", size}});
      continue;
    }
    list.push_back(
        {{"as_expr",
          {{"expr_str", "Symbol('s0', positive=True, integer=True)"},
           {"hint", {{"as_int", 4}}}}}});
    program["range_constraints"]["s0"] = {{"min_val", 1}, {"max_val", nullptr}};
  }
  program["graph_module"]["graph"]["tensor_values"][name] = {
      {"dtype", 7}, {"sizes", list}, {"requires_grad", false}};
  return *this;
}

ProgramBuilder& ProgramBuilder::node(
    const std::string& target,
    const std::vector<std::pair<std::string, Json>>& arguments,
    const Json& result) {
  Json inputs = Json::array();
  for (const auto& [name, value] : arguments) {
    inputs.push_back({{"name", name}, {"arg", value}, {"kind", 1}});
  }
  const bool is_whole = target.rfind("torch.", 0) == 0 ||
      target.rfind("_operator.", 0) == 0 || target.rfind("math.", 0) == 0;
  nodes().push_back(
      {{"target", is_whole ? target : "torch.ops.aten." + target},
       {"inputs", inputs},
       {"outputs", result.is_array() ? result : Json::array({result})},
       {"metadata", Json::object()},
       {"is_hop_single_tensor_return", nullptr}});
  return *this;
}

ProgramBuilder& ProgramBuilder::node(
    const std::string& target,
    const std::vector<std::pair<std::string, Json>>& arguments,
    const char* result) {
  return node(target, arguments, tensor_named(result));
}

ProgramBuilder& ProgramBuilder::output(const std::string& name) {
  program["graph_module"]["signature"]["output_specs"].push_back(
      {{"user_output", {{"arg", tensor_named(name)}}}});
  return *this;
}

Json& ProgramBuilder::nodes() {
  return program["graph_module"]["graph"]["nodes"];
}

Json& ProgramBuilder::last_node() {
  return nodes().back();
}

Json& ProgramBuilder::input_specs() {
  return program["graph_module"]["signature"]["input_specs"];
}

Json& ProgramBuilder::meta_of(const std::string& weight) {
  return weights["config"][weight]["tensor_meta"];
}

std::vector<std::pair<std::string, std::string>> ProgramBuilder::records()
    const {
  auto all = others;
  all.emplace_back("data/weights/model_weights_config.json", weights.dump());
  all.emplace_back(
      "data/constants/model_constants_config.json", constants.dump());
  all.emplace_back("models/model.json", program.dump());
  all.emplace_back("archive_format", "pt2");
  all.emplace_back("archive_version", "0");
  all.emplace_back("byteorder", "little");
  return all;
}

void ProgramBuilder::write(const std::string& path) const {
  write_archive(path, records());
}

Json tensor_named(const std::string& name) {
  return {{"as_tensor", {{"name", name}}}};
}

Json tensors_named(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const auto& name : names) {
    list.push_back({{"name", name}});
  }
  return {{"as_tensors", list}};
}

Json size_named(const std::string& name) {
  return {{"as_sym_int", {{"as_name", name}}}};
}

TrunkParts::TrunkParts()
    : first_weight(at::randn({7, 5}).requires_grad_()),
      first_bias(at::randn({7}).requires_grad_()),
      norm_weight(at::rand({7}).requires_grad_()),
      norm_bias(at::randn({7}).requires_grad_()),
      mean(at::zeros({7})),
      variance(at::ones({7})),
      batches(at::zeros({}, at::kLong)),
      shared_weight(at::randn({7, 7}).requires_grad_()),
      second_bias(at::randn({7}).requires_grad_()),
      third_bias(at::randn({7}).requires_grad_()),
      scale(at::rand({7})),
      shift(at::rand({7})) {}

ProgramBuilder trunk_program(
    const TrunkParts& parts, bool with_norm, bool with_dropout) {
  ProgramBuilder built;
  built.parameter("first.weight", parts.first_weight)
      .parameter("first.bias", parts.first_bias);
  if (with_norm) {
    built.parameter("norm.weight", parts.norm_weight)
        .parameter("norm.bias", parts.norm_bias);
  }
  built.parameter("deep.second.weight", parts.shared_weight)
      .parameter("deep.second.bias", parts.second_bias)
      .parameter("deep.third.weight", parts.shared_weight)
      .parameter("deep.third.bias", parts.third_bias)
      .buffer("scale", parts.scale, false);
  if (with_norm) {
    built.buffer("norm.running_mean", parts.mean)
        .buffer("norm.running_var", parts.variance)
        .buffer("norm.num_batches_tracked", parts.batches);
  }
  built.constant("lifted", parts.shift).input("x", {-1, 5});
  const auto x = tensor_named("x");
  built.node(
      "sym_size.int", {{"self", x}, {"dim", {{"as_int", 0}}}}, size_named("n"));
  built.node(
      "linear.default",
      {{"input", x},
       {"weight", tensor_named("first.weight")},
       {"bias", tensor_named("first.bias")}},
      "linear");
  if (with_norm) {
    built
        .node(
            "add_.Tensor",
            {{"self", tensor_named("norm.num_batches_tracked")},
             {"other", {{"as_int", 1}}}},
            "add_")
        .node(
            "batch_norm.default",
            {{"input", tensor_named("linear")},
             {"weight", tensor_named("norm.weight")},
             {"bias", tensor_named("norm.bias")},
             {"running_mean", tensor_named("norm.running_mean")},
             {"running_var", tensor_named("norm.running_var")},
             {"training", {{"as_bool", true}}},
             {"momentum", {{"as_float", 0.1}}},
             {"eps", {{"as_float", 1e-5}}},
             {"cudnn_enabled", {{"as_bool", false}}}},
            "norm");
  }
  built
      .node(
          "relu.default",
          {{"self", tensor_named(with_norm ? "norm" : "linear")}},
          "relu")
      .node(
          "linear.default",
          {{"input", tensor_named("relu")},
           {"weight", tensor_named("deep.second.weight")},
           {"bias", tensor_named("deep.second.bias")}},
          "second")
      .node(
          "mul.Tensor",
          {{"self", tensor_named("second")}, {"other", tensor_named("scale")}},
          "mul")
      .node(
          "linear.default",
          {{"input", tensor_named("mul")},
           {"weight", tensor_named("deep.third.weight")},
           {"bias", tensor_named("deep.third.bias")}},
          "third");
  if (with_dropout) {
    built.node(
        "dropout.default",
        {{"input", tensor_named("third")},
         {"p", {{"as_float", 0.5}}},
         {"train", {{"as_bool", true}}}},
        "dropout");
  }
  built
      .node(
          "split_with_sizes.default",
          {{"self", tensor_named(with_dropout ? "dropout" : "third")},
           {"split_sizes", {{"as_ints", {2, 2, 3}}}},
           {"dim", {{"as_int", 1}}}},
          tensors_named({"a", "b", "c"}))
      .node(
          "div.Tensor",
          {{"self", tensor_named("c")}, {"other", size_named("n")}},
          "div")
      .node(
          "cat.default",
          {{"tensors", tensors_named({"a", "b", "div"})},
           {"dim", {{"as_int", 1}}}},
          "cat")
      .node(
          "add.Tensor",
          {{"self", tensor_named("cat")}, {"other", tensor_named("lifted")}},
          "sum")
      .output("sum");
  return built;
}

void write_archive(
    const std::string& path,
    const std::vector<std::pair<std::string, std::string>>& records) {
  caffe2::serialize::PyTorchStreamWriter writer(path);
  for (const auto& [name, data] : records) {
    writer.writeRecord(name, data.data(), data.size());
  }
  writer.writeEndOfFile();
}

} // namespace polytask::testing
