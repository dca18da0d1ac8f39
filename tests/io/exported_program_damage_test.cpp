// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/exported_program.h>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/linear.h>
#include <torch/serialize.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/program_builder.h"
#include "tests/support/sanitized.h"
#include "tests/support/says.h"

// Files that are no exported programs, damaged, or ask for what is refused:
// each is named, and nothing of it is executed.

namespace polytask::io {
namespace {

using testing::error_of;
using testing::ProgramBuilder;
using testing::says;
using testing::size_named;
using testing::tensor_named;
using testing::tensors_named;
using testing::write_archive;
using Json = ProgramBuilder::Json;

Json as_int(int64_t value) {
  return {{"as_int", value}};
}

// relu(x Wᵀ + b): [B, 3] -> [B, 2].
ProgramBuilder small_program() {
  ProgramBuilder built;
  built.parameter("last.weight", at::ones({2, 3}).requires_grad_())
      .parameter("last.bias", at::ones({2}).requires_grad_())
      .input("x", {-1, 3})
      .node(
          "linear.default",
          {{"input", tensor_named("x")},
           {"weight", tensor_named("last.weight")},
           {"bias", tensor_named("last.bias")}},
          "linear")
      .node("relu.default", {{"self", tensor_named("linear")}}, "relu")
      .output("relu");
  return built;
}

class DamagedProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder);
  }

  std::string error_at(const std::string& at) const {
    return error_of([&] { ExportedProgram program(at); });
  }
  std::string error_of_built(const ProgramBuilder& built) const {
    built.write(path);
    const auto said = error_at(path);
    EXPECT_TRUE(said.empty() || says(said, {"ExportedProgram: " + path}));
    return said;
  }
  std::string error_of_records(
      const std::vector<std::pair<std::string, std::string>>& records) const {
    write_archive(path, records);
    return error_at(path);
  }
  at::Tensor run(const ProgramBuilder& built, const at::Tensor& x) const {
    built.write(path);
    return ExportedProgram(path)->forward(x);
  }
  std::string error_of_run(
      const ProgramBuilder& built, const at::Tensor& x) const {
    built.write(path);
    ExportedProgram program(path);
    return error_of([&] { program->forward(x); });
  }

  const std::string folder = [] {
    const auto* const test =
        ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name =
        std::string(test->test_suite_name()) + "_" + test->name();
    std::replace(name.begin(), name.end(), '/', '_');
    return ::testing::TempDir() + name + std::to_string(::getpid());
  }();
  const std::string path = folder + "/program.pt2";
};

TEST_F(DamagedProgram, IsNoFileAtAll) {
  EXPECT_TRUE(says(error_at(folder + "/none"), {"/none", "cannot be read"}));
  EXPECT_TRUE(says(error_at(folder), {folder, "cannot be read"}));
  std::ofstream(path).flush();
  EXPECT_TRUE(says(error_at(path), {path, "no zip archive"}));
  std::ofstream(path) << "{\"a\": 1}";
  EXPECT_TRUE(says(error_at(path), {path, "no zip archive"}));
  write_archive(path, {{"data.pkl", "x"}, {"byteorder", "little"}});
  EXPECT_TRUE(says(error_at(path), {path, "is no exported program"}));
}

TEST_F(DamagedProgram, IsRefusedAtEveryLength) {
  small_program().write(path);
  std::ifstream stream(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(stream), {}};
  for (size_t length = 0; length < whole.size(); length += 13) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, length);
    EXPECT_TRUE(says(error_at(path), {"ExportedProgram: " + path})) << length;
  }
}

// A flipped bit may leave a program, though another one: it throws what all
// damage does or runs.
TEST_F(DamagedProgram, IsNamedOrAnotherOneWhereBitsAreFlipped) {
  const auto records = small_program().records();
  size_t refused = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const size_t every = records[i].first == "models/model.json" ? 3 : 11;
    for (size_t place = i % every; place < records[i].second.size();
         place += every) {
      auto changed = records;
      char& byte = changed[i].second[place];
      byte = static_cast<char>(byte ^ (1 << (place % 7)));
      write_archive(path, changed);
      const auto said = error_of([&] {
        ExportedProgram program(path);
        program->forward(at::ones({4, 3}));
      });
      EXPECT_TRUE(said.empty() || says(said, {"ExportedProgram: "}));
      refused += said.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(DamagedProgram, LacksARecord) {
  const auto records = small_program().records();
  for (size_t i = 0; i < records.size(); ++i) {
    auto others = records;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    const auto said = error_of_records(others);
    if (records[i].first == "archive_version" ||
        records[i].first == "byteorder") {
      EXPECT_EQ(said, "");
    } else if (
        records[i].first == "models/model.json" ||
        records[i].first == "archive_format") {
      EXPECT_TRUE(says(said, {path, "is no exported program"}));
    } else {
      EXPECT_TRUE(says(said, {path, "no record '" + records[i].first + "'"}));
    }
  }
}

TEST_F(DamagedProgram, IsOfAnotherVersionOrMachine) {
  auto built = small_program();
  built.program["schema_version"]["major"] = 9;
  EXPECT_TRUE(
      says(error_of_built(built), {"version {\"major\":9", "reads version 8"}));
  for (const Json& version :
       {Json("8"), Json(nullptr), Json(), Json::array({8})}) {
    built.program["schema_version"]["major"] = version;
    EXPECT_TRUE(says(error_of_built(built), {"reads version 8"}));
  }
  built.program["schema_version"] = 8;
  EXPECT_TRUE(says(error_of_built(built), {"its schema is version 8"}));
  built.program.erase("schema_version");
  EXPECT_TRUE(says(error_of_built(built), {"its schema is version unknown"}));
  auto records = small_program().records();
  for (auto& [name, data] : records) {
    data = name == "byteorder" ? "big" : data;
  }
  EXPECT_TRUE(says(error_of_records(records), {"another byte order"}));
  records = small_program().records();
  for (auto& [name, data] : records) {
    data = name == "archive_version" ? "1" : data;
  }
  EXPECT_TRUE(says(error_of_records(records), {"another version"}));
}

TEST_F(DamagedProgram, NamesOneOfSeveral) {
  auto records = small_program().records();
  records.emplace_back("models/other.json", "{}");
  EXPECT_TRUE(says(
      error_of_records(records), {"several programs", "'model', 'other'"}));
  EXPECT_NO_THROW(ExportedProgram(path, "model"));
  EXPECT_TRUE(says(
      error_of([&] { ExportedProgram(path, "third"); }),
      {"no program 'third'", "'model'"}));
}

TEST_F(DamagedProgram, HasAWeightThatDoesNotFit) {
  using Change = std::function<void(Json&)>;
  const auto said_of = [&](const Change& change) {
    auto built = small_program();
    change(built.meta_of("last.weight"));
    const auto said = error_of_built(built);
    EXPECT_TRUE(says(said, {"its tensor 'last.weight': "}));
    return said;
  };
  const auto sizes = [](int64_t a, int64_t b) {
    return Json::array({as_int(a), as_int(b)});
  };
  const std::vector<Change> changes = {
      [&](Json& meta) { meta["sizes"] = sizes(3, 3); },
      [&](Json& meta) { meta["sizes"] = sizes(-2, 3); },
      [&](Json& meta) { meta["sizes"] = sizes(int64_t{1} << 40, 3); },
      [&](Json& meta) { meta["sizes"] = sizes(int64_t{1} << 62, 4); },
      [&](Json& meta) { meta["sizes"] = Json::array({as_int(6)}); },
      [&](Json& meta) { meta["strides"] = sizes(-3, 1); },
      [&](Json& meta) { meta["strides"] = sizes(int64_t{1} << 62, 1); },
      [&](Json& meta) { meta["storage_offset"] = as_int(1); },
      [&](Json& meta) { meta["storage_offset"] = as_int(-1); },
      [&](Json& meta) { meta["dtype"] = 8; }};
  for (const auto& change : changes) {
    EXPECT_TRUE(says(said_of(change), {"does not fit into its storage"}));
  }
  for (const int dtype : {0, 14, 33, 99, -1}) {
    EXPECT_TRUE(says(
        said_of([&](Json& meta) { meta["dtype"] = dtype; }),
        {"the dtype with the number", "not known"}));
  }
  EXPECT_TRUE(says(
      said_of([](Json& meta) { meta["storage_offset"] = Json::object(); }),
      {"a size of it is no number"}));
  EXPECT_TRUE(says(
      said_of([](Json& meta) {
        meta["dtype"] = 5;
        meta["sizes"] = Json::array({as_int(3)});
        meta["strides"] = Json::array({as_int(1)});
      }),
      {"floating point"}));
}

TEST_F(DamagedProgram, HasAWeightOfNoMemory) {
  auto built = small_program();
  built.others[0].second.resize(23);
  EXPECT_TRUE(says(error_of_built(built), {"'last.weight'", "does not fit"}));
  built = small_program();
  built.weights["config"]["last.bias"]["use_pickle"] = true;
  EXPECT_TRUE(says(
      error_of_built(built),
      {"'last.bias'", "a tensor of a class of its own"}));
  built = small_program();
  built.weights["config"]["last.bias"]["tensor_meta"] = nullptr;
  EXPECT_TRUE(says(error_of_built(built), {"'last.bias'", "an object"}));
  built = small_program();
  built.weights["config"].erase("last.bias");
  EXPECT_TRUE(says(error_of_built(built), {"no tensor 'last.bias'"}));
  built = small_program();
  built.weights["config"]["last.bias"]["path_name"] = "weight_9";
  EXPECT_TRUE(
      says(error_of_built(built), {"no record 'data/weights/weight_9'"}));
  built.weights["config"]["last.bias"]["path_name"] =
      "model_weights_config.json";
  EXPECT_TRUE(says(error_of_built(built), {"model_weights_config.json"}));
}

TEST_F(DamagedProgram, MayHoldNaNs) {
  ProgramBuilder built;
  const auto weight = at::full({1, 3}, std::nan("")).requires_grad_();
  built.parameter("weight", weight)
      .input("x", {-1, 3})
      .node(
          "linear.default",
          {{"input", tensor_named("x")}, {"weight", tensor_named("weight")}},
          "linear")
      .output("linear");
  EXPECT_TRUE(std::isnan(run(built, at::ones({2, 3}))[0][0].item<float>()));
}

TEST_F(DamagedProgram, IsNestedTooDeeply) {
  const std::string deep(100000, '[');
  for (const auto* name :
       {"models/model.json", "data/weights/model_weights_config.json"}) {
    auto records = small_program().records();
    for (auto& [record, data] : records) {
      data = record == name ? "{\"config\": " + deep : data;
    }
    EXPECT_TRUE(says(error_of_records(records), {path, "too deeply"}));
    for (auto& [record, data] : records) {
      if (record == name) {
        data += std::string(100000, ']') + "}";
      }
    }
    EXPECT_TRUE(says(error_of_records(records), {path, "too deeply"}));
  }
  // Texts that are JSON themselves, of the inputs' structure.
  std::string spec = "null";
  for (int i = 0; i < 1000; ++i) {
    spec = R"({"type":"a","context":null,"children_spec":[)" + spec + "]}";
  }
  for (const std::string& context : {std::string("[]"), deep + deep}) {
    auto built = small_program();
    const Json tuple = {
        {"type", "builtins.tuple"},
        {"context", context},
        {"children_spec", Json::array({Json{{"type", nullptr}}})}};
    const Json both = {
        {"type", "builtins.tuple"},
        {"context", context},
        {"children_spec", Json::array({tuple, tuple})}};
    for (const std::string& text :
         {Json::array({1, both}).dump(), "[1," + spec + "]"}) {
      built.program["graph_module"]["module_call_graph"] = Json::array(
          {{{"fqn", ""},
            {"signature",
             {{"inputs", Json::array()},
              {"outputs", Json::array()},
              {"in_spec", text},
              {"out_spec", "x"}}}}});
      EXPECT_EQ(error_of_built(built), "");
      EXPECT_THAT(
          ExportedProgram(path)->input_names(), ::testing::ElementsAre("x"));
    }
  }
}

// Each value of the JSON, one after the other, by one of another type.
void for_each_place(Json& value, const std::function<void(Json&)>& visit) {
  visit(value);
  if (value.is_structured()) {
    for (auto& part : value) {
      for_each_place(part, visit);
    }
  }
}

TEST_F(DamagedProgram, HasJsonOfOtherTypesInEveryPlace) {
  const std::vector<Json> others = {
      nullptr,
      true,
      -7,
      1.5,
      std::numeric_limits<uint64_t>::max(),
      "a text",
      Json::array(),
      Json::array({1}),
      Json::object(),
      {{"as_int", 1}}};
  auto built = testing::trunk_program(testing::TrunkParts(), true, true);
  size_t refused = 0;
  size_t all = 0;
  for (Json* const document : {&built.program, &built.weights}) {
    for_each_place(*document, [&](Json& place) {
      const Json before = place;
      const Json& other = others[all++ % others.size()];
      place = other;
      built.write(path);
      const auto said = error_of([&] {
        ExportedProgram program(path);
        program->outputs(at::ones({4, 5}));
      });
      EXPECT_TRUE(said.empty() || says(said, {"ExportedProgram: "}));
      refused += said.empty() ? 0 : 1;
      place = before;
    });
  }
  EXPECT_GT(refused, all / 2);
}

TEST_F(DamagedProgram, HasNumbersThatAreNoIntegers) {
  for (const Json& size : {Json(2.5), Json(1e300), Json(uint64_t{1} << 63)}) {
    auto built = small_program();
    built.meta_of("last.weight")["sizes"][0]["as_int"] = size;
    EXPECT_TRUE(says(
        error_of_built(built), {size.dump(), "'as_int'", "is no integer"}));
  }
}

// Programs of one node more.

TEST_F(DamagedProgram, UsesValuesThatAreNotThere) {
  auto built = small_program();
  built.node("relu.default", {{"self", tensor_named("other")}}, "more");
  EXPECT_TRUE(says(
      error_of_built(built),
      {"node 'more' (torch.ops.aten.relu.default)",
       "uses the value 'other', which nothing before it makes"}));
  built = small_program();
  std::swap(built.nodes()[0], built.nodes()[1]);
  EXPECT_TRUE(says(error_of_built(built), {"node 'relu'", "value 'linear'"}));
  built = small_program().node(
      "relu.default", {{"self", tensor_named("x")}}, "linear");
  EXPECT_TRUE(
      says(error_of_built(built), {"two values have the name 'linear'"}));
  built = small_program().output("other");
  EXPECT_TRUE(says(error_of_built(built), {"uses the value 'other'"}));
}

TEST_F(DamagedProgram, CallsWhatIsNoOperator) {
  const auto said_of = [&](const std::string& target) {
    auto built = small_program();
    built.node("relu.default", {{"self", tensor_named("x")}}, "more");
    built.last_node()["target"] = target;
    const auto said = error_of_built(built);
    EXPECT_TRUE(says(said, {"node 'more' (" + target + ")"}));
    return said;
  };
  for (const auto* target :
       {"", "relu", "os.system", "builtins.eval", "torch.relu", "torch.ops"}) {
    EXPECT_TRUE(says(said_of(target), {"is none of LibTorch's operators"}));
  }
  for (const auto* target :
       {"torch.ops.aten.relu",
        "torch.ops.prims.relu.default",
        "torch.ops.",
        "torch.ops...",
        "torch.ops.quantized.linear.default"}) {
    EXPECT_TRUE(says(said_of(target), {"those of 'aten' alone"}));
  }
  for (const auto* target :
       {"torch.ops.aten.no_such.default",
        "torch.ops.aten.relu.no_such",
        "torch.ops.aten..default",
        "torch.ops.aten.a.b.c.default"}) {
    EXPECT_TRUE(says(said_of(target), {"this LibTorch does not have"}));
  }
  EXPECT_TRUE(says(
      said_of("torch.ops.higher_order.cond"),
      {"is control flow", "torch.cond"}));
}

class RefusedOperator : public DamagedProgram,
                        public ::testing::WithParamInterface<const char*> {};

TEST_P(RefusedOperator, IsNamed) {
  auto built = small_program();
  built.node(GetParam(), {{"self", tensor_named("x")}}, "more");
  EXPECT_TRUE(
      says(error_of_built(built), {"node 'more'", GetParam(), "is refused"}));
}

INSTANTIATE_TEST_SUITE_P(
    Files,
    RefusedOperator,
    ::testing::Values("from_file.default", "_print.default"));
INSTANTIATE_TEST_SUITE_P(
    OtherMemory,
    RefusedOperator,
    ::testing::Values(
        "set_.source_Storage",
        "set_.source_Tensor",
        "set_data.default",
        "resize_.default",
        "resize_as_.default",
        "sparse_resize_.default",
        "_resize_output_.default",
        "_reshape_alias.default",
        "_copy_from_and_resize.default"));
INSTANTIATE_TEST_SUITE_P(
    WhatIsUnchecked,
    RefusedOperator,
    ::testing::Values(
        "_sparse_coo_tensor_unsafe.default",
        "_index_put_impl_.default",
        "segment_reduce.default",
        "ctc_loss.IntList",
        "max_pool2d_with_indices_backward.default",
        "embedding_dense_backward.default",
        "mkldnn_rnn_layer.default",
        "fbgemm_pack_gemm_matrix_fp16.default",
        "quantized_lstm.default"));
INSTANTIATE_TEST_SUITE_P(
    States,
    RefusedOperator,
    ::testing::Values(
        "record_stream.default",
        "requires_grad_.default",
        "retain_grad.default",
        "pin_memory.default",
        "_backward.default",
        "_cufft_clear_plan_cache.default"));
INSTANTIATE_TEST_SUITE_P(
    Results,
    RefusedOperator,
    ::testing::Values("add.out", "relu.out", "qscheme.default"));

TEST_F(DamagedProgram, GivesOtherArgumentsThanItsOperatorTakes) {
  using Arguments = std::vector<std::pair<std::string, Json>>;
  const auto said_of = [&](const std::string& target, const Arguments& given) {
    auto built = small_program();
    built.node(
        "sym_size.int",
        {{"self", tensor_named("x")}, {"dim", as_int(0)}},
        size_named("rows"));
    built.node(target, given, "more");
    const auto said = error_of_built(built);
    EXPECT_TRUE(says(said, {"node 'more'"}));
    return said;
  };
  const auto x = tensor_named("x");
  EXPECT_TRUE(says(said_of("relu.default", {}), {"has no argument 'self'"}));
  EXPECT_TRUE(says(
      said_of("relu.default", {{"self", x}, {"other", x}}),
      {"'other', which the operator does not know"}));
  EXPECT_TRUE(says(
      said_of("relu.default", {{"self", x}, {"self", x}}),
      {"gives the argument 'self' twice"}));
  const std::vector<std::pair<std::string, Arguments>> wrong = {
      {"relu.default", {{"self", {{"as_string", "x"}}}}},
      {"relu.default", {{"self", {{"as_none", true}}}}},
      {"relu.default", {{"self", tensors_named({"x"})}}},
      {"relu.default", {{"self", tensor_named("rows")}}},
      {"cat.default", {{"tensors", x}}},
      {"cat.default", {{"tensors", {{"as_ints", {1, 2}}}}}},
      {"cat.default", {{"tensors", tensors_named({"x", "rows"})}}},
      {"softmax.int", {{"self", x}, {"dim", {{"as_float", 1.5}}}}},
      {"softmax.int", {{"self", x}, {"dim", x}}},
      {"softmax.int", {{"self", x}, {"dim", size_named("x")}}},
      {"sum.dim_IntList", {{"self", x}, {"dim", {{"as_string", "0"}}}}},
      {"sum.dim_IntList", {{"self", x}, {"dim", {{"as_floats", {0.5}}}}}},
      {"dropout.default",
       {{"input", x},
        {"p", {{"as_string", "0"}}},
        {"train", {{"as_bool", true}}}}},
      {"add.Scalar", {{"self", x}, {"other", x}}},
      {"gelu.default", {{"self", x}, {"approximate", as_int(1)}}}};
  for (const auto& [target, given] : wrong) {
    EXPECT_TRUE(
        says(said_of(target, given), {"of another kind than the operator"}))
        << target;
  }
  EXPECT_TRUE(says(
      said_of("add_.Tensor", {{"self", as_int(1)}, {"other", x}}),
      {"'self' in place, which is no value"}));
  for (const Json& nothing :
       {Json::object(), Json{{"as_future", 1}}, Json{{"as_sym_int", {}}}}) {
    EXPECT_TRUE(
        says(said_of("relu.default", {{"self", nothing}}), {"node 'more'"}));
  }
  EXPECT_TRUE(says(
      said_of("relu.default", {{"self", {{"as_operator", "x"}}}}),
      {"AS_OPERATOR", "cannot be used"}));
}

TEST_F(DamagedProgram, ExpectsOtherResultsThanItsOperatorGives) {
  const auto said_of = [&](const char* target, const Json& results) {
    auto built = small_program();
    built.node(target, {{"self", tensor_named("x")}}, results);
    built.last_node()["name"] = "more";
    return error_of_built(built);
  };
  const auto y = tensor_named("y");
  EXPECT_TRUE(says(
      said_of("relu.default", Json::array()),
      {"node 'more'", "has 0 results, and the operator gives 1"}));
  EXPECT_TRUE(
      says(said_of("relu.default", Json::array({y, y})), {"two values"}));
  EXPECT_TRUE(
      says(said_of("std_mean.default", y), {"has 1 results", "gives 2"}));
  for (const Json& result : {size_named("y"), tensors_named({"y"})}) {
    EXPECT_TRUE(says(
        said_of("relu.default", result),
        {"node 'more'", "a result of another kind"}));
  }
  EXPECT_TRUE(says(
      said_of("unbind.int", y), {"node 'more'", "a result of another kind"}));
  EXPECT_TRUE(
      says(said_of("sym_numel.default", y), {"a result of another kind"}));
  auto built = small_program();
  built.node(
      "unbind.int",
      {{"self", tensor_named("x")}, {"dim", as_int(1)}},
      tensors_named({"a", "b"}));
  EXPECT_TRUE(says(
      error_of_run(built, at::ones({4, 3})),
      {"torch.ops.aten.unbind.int", "a list of 2 tensors", "there are 3"}));
}

TEST_F(DamagedProgram, MayCallOperatorsWithoutResults) {
  const auto check = [&](const Json& results, const char* size) {
    auto built = small_program();
    built.node(
        "sym_size.int",
        {{"self", tensor_named("x")}, {"dim", as_int(0)}},
        size_named("rows"));
    built.node(
        "_operator.ge",
        {{"a", size_named("rows")}, {"b", as_int(3)}},
        Json{{"as_sym_bool", {{"as_name", "enough"}}}});
    built.node(
        "_assert_scalar.default",
        {{"self", {{"as_sym_bool", {{"as_name", "enough"}}}}},
         {"assert_msg", {{"as_string", size}}}},
        results);
    return built;
  };
  for (const Json& results : {Json::array(), Json{{"as_none", true}}}) {
    const auto built = check(results, "too few rows");
    EXPECT_EQ(run(built, at::ones({4, 3})).size(0), 4);
    EXPECT_TRUE(says(error_of_run(built, at::ones({2, 3})), {"too few rows"}));
  }
}

TEST_F(DamagedProgram, HasOutputsThatAreNone) {
  auto built = small_program();
  auto& outputs = built.program["graph_module"]["signature"]["output_specs"];
  outputs = Json::array();
  built.write(path);
  ExportedProgram none(path);
  EXPECT_TRUE(none->outputs(at::ones({4, 3})).empty());
  EXPECT_TRUE(says(
      error_of([&] { none->forward(at::ones({4, 3})); }), {"has 0 outputs"}));
  outputs.push_back({{"user_output", {{"arg", as_int(3)}}}});
  EXPECT_TRUE(says(error_of_built(built), {"an output of the kind AS_INT"}));
  outputs[0] = {{"loss_output", {{"arg", {{"name", "relu"}}}}}};
  EXPECT_TRUE(says(error_of_built(built), {"LOSS_OUTPUT"}));
  outputs[0] = Json::object();
  EXPECT_TRUE(says(error_of_built(built), {"no known kind"}));
  outputs[0] = {
      {"buffer_mutation",
       {{"arg", {{"name", "relu"}}}, {"buffer_name", "last.bias"}}}};
  EXPECT_TRUE(says(
      error_of_built(built), {"changes the buffer 'last.bias'", "not have"}));
}

TEST_F(DamagedProgram, LeavesBuffersWhereTheirNewValuesDoNotFit) {
  auto built = small_program();
  built.buffer("seen", at::ones({2})).buffer("total", at::ones({3}));
  auto& outputs = built.program["graph_module"]["signature"]["output_specs"];
  built.node(
      "add.Tensor",
      {{"self", tensor_named("seen")}, {"other", as_int(1)}},
      "more");
  for (const auto* buffer : {"seen", "total"}) {
    outputs.push_back(
        {{"buffer_mutation",
          {{"arg", {{"name", "more"}}}, {"buffer_name", buffer}}}});
  }
  built.write(path);
  ExportedProgram program(path);
  EXPECT_TRUE(says(
      error_of([&] { program->outputs(at::ones({4, 3})); }),
      {"buffer 'total' has the shape [3]", "[2]"}));
  EXPECT_EQ(program->buffers()[0].sum().item<float>(), 2);
}

TEST_F(DamagedProgram, DoesNotReshapeWeightsAndInputs) {
  for (const char* name : {"last.weight", "x"}) {
    for (const char* target : {"t_.default", "detach_.default"}) {
      auto built = small_program();
      built.node(target, {{"self", tensor_named(name)}}, "more");
      built.write(path);
      ExportedProgram program(path);
      const auto x = at::ones({4, 3});
      EXPECT_TRUE(says(
          error_of([&] { program->forward(x); }),
          {"node 'more'", "the shape or the graph of a tensor"}));
      EXPECT_EQ(x.size(0), 4);
      const auto weight = program->named_parameters()["last.weight"];
      EXPECT_EQ(weight.size(0), 2);
      EXPECT_TRUE(weight.requires_grad());
    }
  }
  auto own = small_program();
  own.node("t_.default", {{"self", tensor_named("relu")}}, "more");
  EXPECT_EQ(run(own, at::ones({4, 3})).size(0), 2);
}

TEST_F(DamagedProgram, StaysWithinItsTensors) {
  auto built = small_program();
  built.node(
      "as_strided.default",
      {{"self", tensor_named("x")},
       {"size", {{"as_ints", {100, 100}}}},
       {"stride", {{"as_ints", {1000, 1}}}}},
      "more");
  EXPECT_TRUE(
      says(error_of_run(built, at::ones({4, 3})), {"node 'more'", "storage"}));
  if (testing::is_address_sanitized()) {
    return; // which ends a program that asks for so much
  }
  built = small_program();
  built.node(
      "zeros.default", {{"size", {{"as_ints", {int64_t{1} << 60}}}}}, "more");
  EXPECT_TRUE(says(error_of_run(built, at::ones({4, 3})), {"node 'more'"}));
}

TEST_F(DamagedProgram, HasNamesThatNoModuleHas) {
  const auto said_of = [&](const std::string& name) {
    ProgramBuilder built;
    built.parameter(name, at::ones({2}).requires_grad_()).input("x", {2});
    return error_of_built(built);
  };
  for (const auto* name : {"", ".", "a..b", ".a", "a.", "a.b."}) {
    EXPECT_TRUE(
        says(said_of(name), {"'" + std::string(name) + "'", "an empty part"}));
  }
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) {
    deep += ".a";
  }
  EXPECT_TRUE(says(said_of(deep), {"too many parts"}));
  for (const bool is_first : {true, false}) {
    ProgramBuilder built;
    built.parameter(is_first ? "a" : "a.b", at::ones({2}))
        .parameter(is_first ? "a.b" : "a", at::ones({2}));
    EXPECT_TRUE(says(
        error_of_built(built), {"both a tensor and a module of the name 'a'"}));
  }
  ProgramBuilder twice;
  twice.parameter("a", at::ones({2}));
  twice.input_specs().push_back(twice.input_specs()[0]);
  twice.input_specs()[1]["parameter"]["arg"]["name"] = "other";
  EXPECT_TRUE(
      says(error_of_built(twice), {"two of its tensors have the name 'a'"}));
}

TEST_F(DamagedProgram, MayHaveNamesOfWordsThatAModelIsNotSavedWith) {
  ProgramBuilder built;
  built.parameter("in.class", at::ones({1, 3}).requires_grad_())
      .input("x", {-1, 3})
      .node(
          "linear.default",
          {{"input", tensor_named("x")}, {"weight", tensor_named("in.class")}},
          "y")
      .output("y");
  built.write(path);
  ExportedProgram program(path);
  EXPECT_NO_THROW(program->save(folder + "/saved.pt2"));
  MultiTaskModel model{HardSharing(program)};
  model->add_task("a", Task(torch::nn::Linear(1, 1), MSELoss()));
  std::ostringstream bytes;
  EXPECT_TRUE(says(
      error_of([&] { torch::save(model, bytes); }),
      {"'in'", "a word of TorchScript"}));
}

TEST_F(DamagedProgram, IsGivenOtherInputsThanItTakes) {
  auto built = small_program();
  built.input("y", {-1});
  built.program["range_constraints"]["s0"] = {{"min_val", 2}, {"max_val", 9}};
  built.write(path);
  ExportedProgram program(path);
  const auto said_of = [&](const Inputs& inputs) {
    return error_of([&] { program->forward(inputs); });
  };
  const auto x = at::ones({4, 3});
  const auto y = at::ones({4});
  EXPECT_NO_THROW(program->forward({{"x", x}, {"y", y}}));
  EXPECT_TRUE(says(
      said_of({{"x", x}, {"z", y}}),
      {"input 'y' is missing", "'x', 'y'", "'x', 'z'"}));
  EXPECT_TRUE(says(said_of(x), {"is missing"}));
  EXPECT_TRUE(says(
      said_of({{"x", x[0]}, {"y", at::ones({3})}}),
      {"input 'x' has 2 dimensions", "[3]"}));
  EXPECT_TRUE(says(
      said_of({{"x", at::ones({4, 2})}, {"y", y}}),
      {"dimension 1 of input 'x' is 3", "[4, 2]"}));
  EXPECT_TRUE(says(
      said_of({{"x", at::ones({10, 3})}, {"y", at::ones({10})}}),
      {"dimension 0 of input 'x' may be from 2 to 9", "is 10"}));
  EXPECT_TRUE(says(
      error_of(
          [&] { program->outputs(Inputs({{"x", x}, {"y", at::Tensor()}})); }),
      {"y"}));
  EXPECT_TRUE(says(
      said_of({{"x", x.to(at::kLong)}, {"y", y}}),
      {"node 'linear' (torch.ops.aten.linear.default)", "dtype"}));
  small_program().write(path);
  EXPECT_TRUE(says(
      error_of([&] { ExportedProgram(path)->forward(at::Tensor()); }),
      {"'x' is undefined"}));
}

TEST_F(DamagedProgram, ComputesSizesAsPythonDoes) {
  const auto sized = [&](const char* function, int64_t a, int64_t b) {
    auto built = small_program();
    built
        .node(
            function, {{"a", as_int(a)}, {"b", as_int(b)}}, size_named("size"))
        .node(
            "add.Tensor",
            {{"self", tensor_named("relu")}, {"other", size_named("size")}},
            "more");
    built.program["graph_module"]["signature"]["output_specs"] = Json::array();
    built.output("more");
    return built;
  };
  const auto x = at::zeros({1, 3});
  const auto value = [&](const char* function, int64_t a, int64_t b) {
    return run(sized(function, a, b), x)[0][0].item<float>() - 1;
  };
  EXPECT_EQ(value("_operator.floordiv", -7, 2), -4);
  EXPECT_EQ(value("_operator.floordiv", -7, -1), 7);
  EXPECT_EQ(value("_operator.mod", -7, 3), 2);
  EXPECT_EQ(value("_operator.mod", 7, -3), -2);
  EXPECT_EQ(value("_operator.pow", 2, 10), 1024);
  constexpr auto kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_TRUE(says(
      error_of_run(sized("_operator.floordiv", kLeast, -1), x), {"divides"}));
  EXPECT_TRUE(
      says(error_of_run(sized("_operator.floordiv", 1, 0), x), {"by 0"}));
  EXPECT_TRUE(says(
      error_of_run(sized("_operator.truediv", 1, 2), x),
      {"expects an integer"}));
  auto built = small_program();
  built.node("_operator.add", {{"a", as_int(1)}}, size_named("size"));
  EXPECT_TRUE(says(error_of_run(built, x), {"_operator.add", "too few"}));
  built = small_program();
  built.node("_operator.neg", {{"a", tensor_named("x")}}, size_named("size"));
  EXPECT_TRUE(says(error_of_built(built), {"an argument that is no number"}));
}

// Much of all.

TEST_F(DamagedProgram, MayHaveManyNodesAndWeights) {
  constexpr int kMany = 3000;
  ProgramBuilder built;
  const auto weight = at::ones({1});
  for (int i = 0; i < kMany; ++i) {
    built.input_specs().push_back(
        {{"buffer",
          {{"arg", {{"name", "w" + std::to_string(i)}}},
           {"buffer_name", "part" + std::to_string(i) + ".num_batches_tracked"},
           {"persistent", true}}}});
  }
  built.buffer("one", weight).input("x", {1});
  for (int i = 0; i < kMany; ++i) {
    built.weights["config"]
                 ["part" + std::to_string(i) + ".num_batches_tracked"] =
        built.weights["config"]["one"];
    built.node(
        "add_.Tensor",
        {{"self", tensor_named("w" + std::to_string(i))}, {"other", as_int(1)}},
        ("y" + std::to_string(i)).c_str());
  }
  built.output("y0");
  EXPECT_EQ(run(built, at::ones({1})).item<float>(), kMany + 1);
}

TEST_F(DamagedProgram, MayHaveALongListOfIntegers) {
  auto built = small_program();
  built.node(
      "sum.dim_IntList",
      {{"self", tensor_named("x")},
       {"dim", {{"as_ints", std::vector<int64_t>(300000, 1)}}}},
      "more");
  EXPECT_TRUE(says(error_of_run(built, at::ones({4, 3})), {"node 'more'"}));
}

TEST_F(DamagedProgram, DoesNotRepeatLongNamesWithoutEnd) {
  ProgramBuilder built;
  Json leaves = Json::array();
  for (int i = 0; i < 2000; ++i) {
    built.input("x" + std::to_string(i), {1});
    leaves.push_back({{"type", nullptr}});
  }
  const Json list = {
      {"type", "builtins.list"},
      {"context", "null"},
      {"children_spec", leaves}};
  const Json positions = {
      {"type", "builtins.tuple"},
      {"context", "null"},
      {"children_spec", Json::array({list})}};
  const Json named = {
      {"type", "builtins.dict"},
      {"context", Json::array({std::string(1000000, 'k')}).dump()},
      {"children_spec", Json::array()}};
  const Json both = {
      {"type", "builtins.tuple"},
      {"context", "null"},
      {"children_spec", Json::array({positions, named})}};
  built.program["graph_module"]["module_call_graph"] = Json::array(
      {{{"fqn", ""},
        {"signature",
         {{"inputs", Json::array()},
          {"outputs", Json::array()},
          {"in_spec", Json::array({1, both}).dump()},
          {"out_spec", ""},
          {"forward_arg_names", Json::array({std::string(1000000, 'a')})}}}}});
  built.write(path);
  EXPECT_EQ(ExportedProgram(path)->input_names()[7], "x7");
}

} // namespace
} // namespace polytask::io
