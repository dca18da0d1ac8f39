// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/script_module.h>

#include <ATen/core/Dict.h>
#include <ATen/core/jit_type.h>
#include <caffe2/serialize/inline_container.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/io/python_file.h>
#include <polytask/io/safetensors.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/autograd.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

namespace polytask::io {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::says;
using JitModule = torch::jit::Module;

// A file in a folder of the test's own.
std::string script_path(const std::string& name) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string folder =
      std::string(test->test_suite_name()) + "." + test->name();
  std::replace(folder.begin(), folder.end(), '/', '_');
  const auto path =
      std::filesystem::path(::testing::TempDir()) / ("script_" + folder);
  std::filesystem::create_directories(path);
  return (path / name).string();
}

ScriptModule script_of(
    const JitModule& module, const std::string& name = "net.pt") {
  module.save(script_path(name));
  return ScriptModule(script_path(name));
}

JitModule empty_script(const std::string& name) {
  JitModule module(name);
  module.register_attribute("training", c10::BoolType::get(), true);
  return module;
}

JitModule script_with(const std::string& forward) {
  JitModule module = empty_script("Net");
  module.register_parameter(
      "weight", torch::randn({3}).requires_grad_(), false);
  module.define(forward);
  return module;
}

JitModule linear_script(const std::string& name, int64_t from, int64_t to) {
  JitModule module = empty_script(name);
  const auto options = torch::TensorOptions().requires_grad(true);
  module.register_parameter("weight", torch::randn({to, from}, options), false);
  module.register_parameter("bias", torch::randn({to}, options), false);
  module.define(R"(
def forward(self, x):
    return torch.linear(x, self.weight, self.bias)
)");
  return module;
}

JitModule trunk_script() {
  JitModule module = empty_script("Trunk");
  module.register_module("body", linear_script("Body", 5, 6));
  module.register_module("last", linear_script("Last", 6, 7));
  module.define(R"(
def forward(self, x):
    h = torch.tanh(self.body.forward(x))
    return torch.relu(self.last.forward(h * torch.sigmoid(h) + 0.5))
)");
  return module;
}

// The same in C++.
class ScriptTwinImpl : public torch::nn::Module {
 public:
  explicit ScriptTwinImpl(const torch::nn::Module& script)
      : body(register_module("body", torch::nn::Linear(5, 6))),
        last(register_module("last", torch::nn::Linear(6, 7))) {
    const torch::NoGradGuard no_grad;
    auto weights = named_parameters();
    for (const auto& entry : script.named_parameters()) {
      weights[entry.key()].copy_(entry.value());
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto h = torch::tanh(body(x));
    return torch::relu(last(h * torch::sigmoid(h) + 0.5));
  }

  torch::nn::Linear body;
  torch::nn::Linear last;
};
TORCH_MODULE(ScriptTwin);

std::vector<std::string> keys_of_parameters(const torch::nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& entry : module.named_parameters()) {
    names.push_back(entry.key());
  }
  return names;
}

std::vector<torch::Tensor> gradients_of_squares(
    const torch::Tensor& output, const std::vector<torch::Tensor>& inputs) {
  return torch::autograd::grad(
      {output.square().sum()}, inputs, {}, true, /*create_graph=*/true);
}

TEST(ScriptModule, HasTheGradientsOfItsTwinInEachCall) {
  ScriptModule script = script_of(trunk_script());
  ScriptTwin twin(*script);
  for (int64_t call = 1; call <= 12; ++call) {
    const auto x = torch::randn({1 + 7 * call % 9, 5});
    const auto found =
        gradients_of_squares(script->forward(x), script->parameters());
    const auto expected = gradients_of_squares(twin(x), twin->parameters());
    // Second derivatives.
    const auto found_twice =
        gradients_of_squares(found[0], {script->parameters()[0]});
    const auto expected_twice =
        gradients_of_squares(expected[0], {twin->parameters()[0]});
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(torch::equal(found[i], expected[i])) << call;
    }
    EXPECT_TRUE(torch::equal(found_twice[0], expected_twice[0])) << call;
  }
}

TEST(ScriptModule, GivesItsWeightsTheNamesOfTheFile) {
  JitModule module = trunk_script();
  module.register_buffer("scale", torch::ones({2}));
  module.register_attribute(
      "note", c10::TensorType::get(), torch::ones({2})); // no buffer
  const ScriptModule script = script_of(module);
  EXPECT_THAT(
      keys_of_parameters(*script),
      ElementsAre("body.weight", "body.bias", "last.weight", "last.bias"));
  ASSERT_EQ(script->named_buffers().size(), 1);
  EXPECT_EQ(script->named_buffers()[0].key(), "scale");
  EXPECT_TRUE(torch::equal(
      script->named_parameters()["last.bias"],
      module.attr("last").toModule().attr("bias").toTensor()));
  std::ostringstream text;
  text << *script;
  EXPECT_TRUE(says(text.str(), {"polytask::io::ScriptModule(inputs='x')"}));
}

TEST(ScriptModule, KeepsWhatIsFrozenInTheFile) {
  JitModule module = trunk_script();
  module.attr("body").toModule().attr("weight").toTensor().requires_grad_(
      false);
  const ScriptModule script = script_of(module);
  const auto check = [](const torch::nn::Module& each) {
    EXPECT_FALSE(each.named_parameters()["body.weight"].requires_grad());
    EXPECT_TRUE(each.named_parameters()["body.bias"].requires_grad());
    EXPECT_TRUE(each.named_parameters()["body.bias"].is_leaf());
  };
  check(*script);
  check(*script->clone());
}

TEST(ScriptModule, RunsWithWhatAnOptimizerMadeOfItsWeights) {
  ScriptModule script = script_of(trunk_script());
  ScriptTwin twin(*script);
  const auto x = torch::randn({8, 5});
  torch::optim::SGD of_script(script->parameters(), 0.05);
  torch::optim::SGD of_twin(twin->parameters(), 0.05);
  for (int step = 0; step < 20; ++step) {
    of_script.zero_grad();
    script->forward(x).square().mean().backward();
    of_script.step();
    of_twin.zero_grad();
    twin(x).square().mean().backward();
    of_twin.step();
  }
  EXPECT_TRUE(torch::equal(script->forward(x), twin(x)));
}

TEST(ScriptModule, RunsWithWhatItsWeightsWereConvertedTo) {
  ScriptModule script = script_of(trunk_script());
  ScriptTwin twin(*script);
  script->to(torch::kDouble);
  twin->to(torch::kDouble);
  const auto x = torch::randn({8, 5}, torch::kDouble);
  EXPECT_TRUE(torch::equal(script->forward(x), twin(x)));
  // As part of another module, whose `to` goes through its parts.
  MultiTaskModel model{HardSharing(script)};
  model->to(torch::kFloat);
  EXPECT_EQ(script->forward(x.to(torch::kFloat)).scalar_type(), torch::kFloat);
}

TEST(ScriptModule, RunsWithTheWeightsOfAnArchive) {
  ScriptModule saved = script_of(trunk_script(), "one.pt");
  ScriptModule script = script_of(trunk_script(), "two.pt");
  const auto x = torch::randn({8, 5});
  const auto before = script->parameters()[0];
  ASSERT_FALSE(torch::equal(script->forward(x), saved->forward(x)));
  torch::save(saved, script_path("archive.pt"));
  torch::load(script, script_path("archive.pt"));
  EXPECT_TRUE(torch::equal(script->forward(x), saved->forward(x)));
  EXPECT_TRUE(script->parameters()[0].is_same(before));
}

TEST(ScriptModule, ShowsBuffersThatForwardChanges) {
  JitModule module = empty_script("Norm");
  module.register_buffer("mean", torch::zeros({3}));
  module.register_buffer("variance", torch::ones({3}));
  module.register_buffer("count", torch::zeros({}, torch::kLong));
  module.define(R"(
def forward(self, x):
    if self.training:
        self.count.add_(1)
    return torch.batch_norm(x, None, None, self.mean, self.variance, self.training, 0.5, 1e-5, False)
)");
  ScriptModule script = script_of(module);
  const auto x = torch::randn({9, 3});
  script->forward(x);
  EXPECT_TRUE(
      torch::allclose(script->named_buffers()["mean"], 0.5 * x.mean(0)));
  script->to(torch::kDouble);
  script->forward(x.to(torch::kDouble));
  EXPECT_EQ(script->named_buffers()["count"].item<int64_t>(), 2);
  EXPECT_EQ(script->named_buffers()["count"].scalar_type(), torch::kLong);
  EXPECT_EQ(script->named_buffers()["mean"].scalar_type(), torch::kDouble);
  script->eval();
  script->forward(x.to(torch::kDouble));
  EXPECT_EQ(script->named_buffers()["count"].item<int64_t>(), 2);
}

JitModule dropping_script() {
  JitModule module = empty_script("Drop");
  module.register_module("first", linear_script("First", 4, 40));
  module.define(R"(
def forward(self, x):
    return torch.dropout(self.first.forward(x), 0.5, self.training)
)");
  return module;
}

TEST(ScriptModule, IsInTheModeThatIsAskedFor) {
  ScriptModule script = script_of(dropping_script());
  const auto x = torch::ones({2, 4});
  const auto zeros = [&] {
    return (script->forward(x) == 0).sum().item<int64_t>();
  };
  EXPECT_TRUE(script->is_training());
  EXPECT_GT(zeros(), 0);
  MultiTaskModel model{HardSharing(script)};
  model->eval();
  EXPECT_EQ(zeros(), 0);
  model->train();
  EXPECT_GT(zeros(), 0);
}

TEST(ScriptModule, BeginsInTheModeOfTheFile) {
  JitModule module = dropping_script();
  module.eval();
  ScriptModule script = script_of(module);
  EXPECT_FALSE(script->is_training());
  EXPECT_FALSE(script->children()[0]->is_training());
  EXPECT_FALSE(script->clone()->is_training());
  script->train();
  EXPECT_TRUE(script->clone()->is_training());
  script->save(script_path("again.pt"));
  EXPECT_TRUE(ScriptModule(script_path("again.pt"))->is_training());
}

TEST(ScriptModule, IsInEvalModeWhereItWasFrozen) {
  JitModule module = trunk_script();
  module.eval();
  EXPECT_FALSE(script_of(torch::jit::freeze(module))->is_training());
}

TEST(ScriptModule, TakesInputsByTheNamesOfArguments) {
  JitModule module = empty_script("Net");
  module.define(R"(
def forward(self, a, b, mask: Optional[Tensor] = None, times: int = 2):
    c = a * times - b
    if mask is not None:
        c = c * mask
    return c
)");
  ScriptModule script = script_of(module);
  const auto a = torch::randn({4, 3});
  const auto b = torch::randn({4, 3});
  const auto mask = torch::randint(2, {4, 3});
  EXPECT_THAT(script->input_names(), ElementsAre("a", "b", "mask"));
  EXPECT_TRUE(
      torch::equal(script->forward(Inputs{{"b", b}, {"a", a}}), a * 2 - b));
  EXPECT_TRUE(torch::equal(
      script->forward(Inputs{{"a", a}, {"mask", mask}, {"other", a}, {"b", b}}),
      (a * 2 - b) * mask));
  EXPECT_TRUE(says(
      error_of([&] { script->forward(Inputs{{"a", a}, {"mask", mask}}); }),
      {"ScriptModule: the input 'b' is missing; forward takes 'a', 'b', 'mask',"
       " and there are 'a', 'mask'."}));
  EXPECT_TRUE(says(error_of([&] { script->forward(a); }), {"'a' is missing"}));
  EXPECT_TRUE(says(
      error_of(
          [&] { script->forward(Inputs{{"a", a}, {"b", b}, {"times", b}}); }),
      {"the argument 'times' is of the type int"}));
}

TEST(ScriptModule, GivesOneTensorToTheArgumentThatIsNeeded) {
  ScriptModule script = script_of(script_with(R"(
def forward(self, x, input: Optional[Tensor] = None):
    return x * 2 if input is None else x + input
)"));
  const auto x = torch::randn({2, 3});
  EXPECT_TRUE(torch::equal(script->forward(x), x * 2));
  EXPECT_TRUE(torch::equal(script->forward(Inputs{{"dense", x}}), x * 2));
  EXPECT_TRUE(says(
      error_of([&] { script->forward(Inputs{{"input", x}}); }),
      {"'x' is missing"}));
  EXPECT_TRUE(says(
      error_of([&] { script->forward(torch::Tensor()); }),
      {"'x' is undefined"}));
  ScriptModule optional = script_of(script_with(R"(
def forward(self, n: int = 3, x: Optional[Tensor] = None):
    return self.weight if x is None else x * n
)"));
  EXPECT_TRUE(torch::equal(optional->forward(x), x * 3));
}

TEST(ScriptModule, GivesAllTensorsOfTuplesListsAndDicts) {
  ScriptModule script = script_of(script_with(R"(
def forward(self, x):
    return x, [x + 1, x + 2], {"b": x + 3, "a": x + 4}, (x + 5,)
)"));
  const auto x = torch::randn({2, 3});
  const auto outputs = script->outputs(x);
  ASSERT_EQ(outputs.size(), 6);
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_TRUE(torch::equal(outputs[i], x + static_cast<int64_t>(i))) << i;
  }
  EXPECT_TRUE(says(
      error_of([&] { script->forward(x); }),
      {"ScriptModule: forward gives one tensor, and the script gives 6"}));
  ScriptModule one = script_of(script_with(R"(
def forward(self, x):
    return {"only": x * 2}
)"));
  EXPECT_TRUE(torch::equal(one->forward(x), x * 2));
}

TEST(ScriptModule, RefusesOutputsThatAreNoTensors) {
  const auto x = torch::randn({2, 3});
  ScriptModule number = script_of(script_with(R"(
def forward(self, x):
    return x, x.size(0)
)"));
  EXPECT_TRUE(
      says(error_of([&] { number->outputs(x); }), {"a value of the type int"}));
  ScriptModule none = script_of(script_with(R"(
def forward(self, x) -> Optional[Tensor]:
    return None
)"));
  EXPECT_TRUE(
      says(error_of([&] { none->forward(x); }), {"a value of the type None"}));
}

TEST(ScriptModule, KeepsTheMessageOfTorchScript) {
  ScriptModule script = script_of(trunk_script());
  const auto message = error_of([&] { script->forward(torch::randn({2, 4})); });
  EXPECT_EQ(message.rfind("ScriptModule: The following operation failed", 0), 0)
      << message;
  EXPECT_TRUE(says(
      message,
      {"self.body.forward", "mat1 and mat2 shapes cannot be multiplied"}));
  ScriptModule raising = script_of(script_with(R"(
def forward(self, x):
    assert x.size(0) == 1, "one row, please"
    return x
)"));
  EXPECT_TRUE(says(
      error_of([&] { raising->forward(torch::ones({2, 3})); }),
      {"ScriptModule: ", "one row, please"}));
}

// One weight under two names, and an attribute that is that weight, too.
JitModule tied_script() {
  JitModule first = linear_script("First", 4, 4);
  JitModule last = linear_script("Last", 4, 4);
  last.setattr("weight", first.attr("weight"));
  JitModule module = empty_script("Tied");
  module.register_module("first", first);
  module.register_module("last", last);
  module.register_attribute(
      "alias", c10::TensorType::get(), first.attr("weight"));
  module.register_attribute(
      "list",
      c10::ListType::ofTensors(),
      c10::List<torch::Tensor>({torch::ones({4}), torch::ones({4})}));
  module.define(R"(
def forward(self, x):
    return self.last.forward(self.first.forward(x)) + self.list[1] * self.alias.sum()
)");
  return module;
}

TEST(ScriptModule, ClonesWeightsOnceThatHaveSeveralNames) {
  ScriptModule script = script_of(tied_script());
  const auto x = torch::randn({3, 4});
  const auto expected = script->forward(x);
  const auto copy =
      std::dynamic_pointer_cast<ScriptModuleImpl>(script->clone(torch::kCPU));
  ASSERT_NE(copy, nullptr);
  const auto weights = copy->named_parameters();
  EXPECT_TRUE(weights["first.weight"].is_same(weights["last.weight"]));
  EXPECT_FALSE(weights["first.weight"].is_same(script->parameters()[0]));
  EXPECT_TRUE(torch::equal(copy->forward(x), expected));
  {
    const torch::NoGradGuard no_grad;
    for (const auto& weight : copy->parameters()) {
      weight.zero_();
    }
  }
  EXPECT_TRUE(torch::equal(script->forward(x), expected));
  EXPECT_TRUE(torch::equal(copy->forward(x), torch::zeros({3, 4})));
}

TEST(ScriptModule, ConvertsAttributesAndWhatIsTiedTogether) {
  ScriptModule script = script_of(tied_script());
  const auto x = torch::randn({3, 4});
  const auto expected = script->forward(x);
  script->to(torch::kDouble);
  const auto found = script->forward(x.to(torch::kDouble));
  EXPECT_EQ(found.scalar_type(), torch::kDouble);
  EXPECT_TRUE(torch::allclose(found, expected.to(torch::kDouble), 1e-5, 1e-5));
  const auto weights = script->named_parameters();
  EXPECT_TRUE(weights["first.weight"].is_same(weights["last.weight"]));
}

TEST(ScriptModule, IsSavedWithItsWeightsAndExtraFiles) {
  const std::string path = script_path("net.pt");
  tied_script().save(path, {{"labels.txt", "cat, dog"}});
  ScriptModule script(path);
  {
    const torch::NoGradGuard no_grad;
    script->parameters()[0].mul_(2);
  }
  script->save(path); // in place of what it was read from
  ScriptModule again(path);
  const auto x = torch::randn({3, 4});
  EXPECT_TRUE(torch::equal(again->forward(x), script->forward(x)));
  EXPECT_TRUE(again->parameters()[0].requires_grad());
  again->save(path);
  torch::jit::ExtraFilesMap extra{{"labels.txt", ""}};
  torch::jit::load(path, torch::kCPU, extra);
  EXPECT_EQ(extra["labels.txt"], "cat, dog");
}

TEST(ScriptModule, SaysWhereItCannotBeSaved) {
  const ScriptModule script = script_of(trunk_script());
  const auto folder = script_path("folder");
  std::filesystem::create_directories(folder + "/inside");
  EXPECT_TRUE(says(
      error_of([&] { script->save(folder); }), {"ScriptModule: ", folder}));
  EXPECT_TRUE(says(
      error_of([&] { script->save(folder + "/none/net.pt"); }),
      {"cannot write", "none/net.pt"}));
}

TEST(ScriptModule, RefusesFilesOfOtherKinds) {
  const auto refused = [](const std::string& path) {
    std::string message;
    try {
      const ScriptModule script(path);
    } catch (const c10::ValueError& error) {
      message = error.what_without_backtrace();
    }
    EXPECT_EQ(message.rfind("ScriptModule: " + path + ": ", 0), 0) << message;
    return message;
  };
  EXPECT_TRUE(says(refused(script_path("none.pt")), {"no such file"}));
  EXPECT_TRUE(says(refused(script_path("")), {"cannot be read"}));

  c10::Dict<std::string, torch::Tensor> weights;
  weights.insert("weight", torch::ones({2}));
  const auto python = script_path("python.pt");
  write_python(python, weights);
  EXPECT_TRUE(says(refused(python), {"torch.save", "io::read_python"}));

  const auto safetensors = script_path("net.safetensors");
  torch::OrderedDict<std::string, torch::Tensor> tensors;
  tensors.insert("weight", torch::ones({2}));
  write_safetensors(safetensors, tensors);
  EXPECT_TRUE(says(refused(safetensors), {"io::SafetensorsFile"}));

  const auto exported = script_path("net.pt2");
  caffe2::serialize::PyTorchStreamWriter writer(exported);
  writer.writeRecord("archive_format", "pt2", 3);
  writer.writeEndOfFile();
  EXPECT_TRUE(says(refused(exported), {"io::ExportedProgram"}));

  const auto archive = script_path("archive.pt");
  torch::save(torch::nn::Linear(2, 1), archive);
  EXPECT_TRUE(says(refused(archive), {"torch::load"}));
  torch::save(torch::ones({2}), archive);
  EXPECT_TRUE(says(refused(archive), {"torch::load"}));

  const auto text = script_path("text.pt");
  std::ofstream(text) << "\x80\x02 as pickles begin";
  EXPECT_TRUE(says(refused(text), {"it is a pickle"}));
  std::ofstream(text) << "no archive at all, whatever it is";
  refused(text);
}

TEST(ScriptModule, RefusesScriptsThatCannotBeCalled) {
  const auto refused = [](const JitModule& module) {
    return error_of([&] { script_of(module); });
  };
  JitModule other = empty_script("Net");
  other.define("def run(self, x):\n    return x\n");
  EXPECT_TRUE(says(refused(other), {"net.pt: its module has no forward."}));
  EXPECT_TRUE(says(
      refused(script_with("def forward(self, x, n: List[int]):\n"
                          "    return x\n")),
      {"the argument 'n' of its forward is of the type List[int]"}));
  EXPECT_TRUE(says(
      refused(script_with("def forward(self, n: int = 1):\n"
                          "    return self.weight\n")),
      {"its forward takes no tensor."}));
}

// The records of an archive, written again with a version of its own.
void write_version(
    const std::string& from, const std::string& to, uint64_t version) {
  caffe2::serialize::PyTorchStreamReader reader(from);
  caffe2::serialize::PyTorchStreamWriter writer(to);
  for (const auto& record : reader.getAllRecords()) {
    if (record != "version" && record.find(".data/") != 0) {
      const auto [data, size] = reader.getRecord(record);
      writer.writeRecord(record, data.get(), size);
    }
  }
  writer.setMinVersion(version);
  writer.writeEndOfFile();
}

TEST(ScriptModule, RefusesNewerAndDamagedFiles) {
  const auto path = script_path("net.pt");
  trunk_script().save(path);
  const auto newer = script_path("newer.pt");
  write_version(path, newer, 1);
  EXPECT_NO_THROW(ScriptModule{newer});
  write_version(path, newer, 1000);
  EXPECT_TRUE(says(
      error_of([&] { ScriptModule{newer}; }),
      {"ScriptModule: " + newer, "TorchScript's version 1000"}));
  const auto size = std::filesystem::file_size(path);
  for (const auto length : {size / 3, size - 9, uintmax_t{0}}) {
    std::filesystem::resize_file(path, length);
    EXPECT_TRUE(
        says(error_of([&] { ScriptModule{path}; }), {"ScriptModule: " + path}));
  }
}

Batch script_batch() {
  torch::manual_seed(4);
  return Batch(
      torch::randn({12, 5}),
      {{"a", torch::randn({12, 1})},
       {"b", torch::randn({12, 1})},
       {"c", torch::randn({12, 1})}});
}

template <typename Trunk>
MultiTaskModel model_behind(const Trunk& trunk) {
  torch::manual_seed(5);
  MultiTaskModel model{HardSharing(trunk)};
  for (const auto* name : {"a", "b", "c"}) {
    model->add_task(name, Task(torch::nn::Linear(7, 1), MSELoss()));
  }
  return model;
}

struct ScriptRoute {
  std::string method;
  Route asked;
  Route taken;
};

class ScriptTrunk : public ::testing::TestWithParam<ScriptRoute> {};

TEST_P(ScriptTrunk, LearnsAsItsTwinDoes) {
  const auto steps = [](const MultiTaskModel& model, Route route) {
    auto options = JointTrainingOptions().route(route);
    if (!GetParam().method.empty()) {
      options.balancing(balancing::make(GetParam().method));
    }
    JointTraining joint(
        model, torch::optim::SGDOptions(0.05).momentum(0.9), options);
    for (int step = 0; step < 10; ++step) {
      joint.step(script_batch());
    }
    return joint.route().route;
  };
  ScriptModule script = script_of(trunk_script());
  const auto twin = model_behind(ScriptTwin(*script));
  const auto model = model_behind(script);
  EXPECT_EQ(steps(model, GetParam().asked), GetParam().taken);
  EXPECT_EQ(steps(twin, Route::kAutograd), Route::kAutograd);
  const auto expected = twin->named_parameters();
  ASSERT_EQ(model->named_parameters().size(), expected.size());
  for (const auto& entry : model->named_parameters()) {
    EXPECT_TRUE(
        torch::allclose(entry.value(), expected[entry.key()], 1e-5, 1e-6))
        << entry.key();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Routes,
    ScriptTrunk,
    ::testing::Values(
        ScriptRoute{"", Route::kAuto, Route::kStackedHeads},
        ScriptRoute{"", Route::kAutograd, Route::kAutograd},
        ScriptRoute{"upgrad", Route::kAuto, Route::kBatchedJacobian},
        ScriptRoute{"upgrad", Route::kAutograd, Route::kAutograd},
        ScriptRoute{"upgrad", Route::kStreamedGramian, Route::kStreamedGramian},
        ScriptRoute{"pcgrad", Route::kAuto, Route::kBatchedJacobian},
        ScriptRoute{"pcgrad", Route::kBatchedJacobian, Route::kBatchedJacobian},
        ScriptRoute{"cagrad", Route::kAutograd, Route::kAutograd}),
    [](const auto& each) {
      std::string name = each.param.method + to_string(each.param.asked);
      std::erase_if(name, [](char c) { return !std::isalpha(c); });
      return name;
    });

TEST(ScriptModule, CanBeAHead) {
  ScriptModule trunk = script_of(linear_script("Trunk", 5, 4), "trunk.pt");
  ScriptModule head = script_of(linear_script("Head", 4, 1), "head.pt");
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", Task(head, MSELoss()));
  model->add_task("b", Task(torch::nn::Linear(4, 1), MSELoss()));
  const auto twin = testing::twin_of(model);
  const Batch batch(
      torch::randn({6, 5}),
      {{"a", torch::randn({6, 1})}, {"b", torch::randn({6, 1})}});
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  JointTraining twins(
      twin,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().route(Route::kAutograd));
  for (int step = 0; step < 5; ++step) {
    joint.step(batch);
    twins.step(batch);
  }
  const auto expected = twin->named_parameters();
  for (const auto& entry : model->named_parameters()) {
    EXPECT_TRUE(torch::allclose(entry.value(), expected[entry.key()]))
        << entry.key();
  }
}

TEST(ScriptModule, DoesNotChangeAnInputThatOthersSee) {
  ScriptModule script = script_of(script_with(R"(
def forward(self, x):
    return x.mul_(2) * self.weight
)"));
  const Network network(script);
  const auto x = torch::randn({4, 3});
  const auto before = x.clone();
  EXPECT_TRUE(torch::equal(network.forward(x), network.forward(x)));
  EXPECT_TRUE(torch::equal(x, before));
}

class ScriptModuleOn : public testing::EachDevice {};

TEST_P(ScriptModuleOn, RunsThere) {
  ScriptModule script = script_of(tied_script());
  const auto x = torch::randn({3, 4});
  const auto expected = script->forward(x);
  const auto copy =
      std::dynamic_pointer_cast<ScriptModuleImpl>(script->clone(device()));
  EXPECT_TRUE(torch::allclose(
      copy->forward(x.to(device())).cpu(), expected, 1e-5, 1e-5));
  script->to(device());
  const auto found = script->forward(x.to(device()));
  EXPECT_EQ(found.device().type(), device().type());
  EXPECT_TRUE(torch::allclose(found.cpu(), expected, 1e-5, 1e-5));
  script->save(script_path("there.pt"));
  EXPECT_TRUE(torch::allclose(
      ScriptModule(script_path("there.pt"))->forward(x), expected, 1e-5, 1e-5));
}

POLYTASK_ON_EACH_DEVICE(ScriptModuleOn);

} // namespace
} // namespace polytask::io
