// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/exported_program.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/fit/fit.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/simple.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/functional.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>

#include "io/zip_archive.h"
#include "tests/support/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/program_builder.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"
#include "tests/support/warnings.h"

namespace polytask::io {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::ProgramBuilder;
using testing::says;
using testing::tensor_named;
using testing::trunk_program;
using testing::TrunkParts;

at::Tensor program_input(int64_t rows) {
  torch::manual_seed(8);
  return torch::randn({rows, 5});
}

// The same as trunk_program, of LibTorch's modules.
class PlainTrunkImpl : public torch::nn::Cloneable<PlainTrunkImpl> {
 public:
  explicit PlainTrunkImpl(const TrunkParts& parts) : parts_(parts) {
    reset();
    const torch::NoGradGuard no_grad;
    first->weight.copy_(parts.first_weight);
    first->bias.copy_(parts.first_bias);
    norm->weight.copy_(parts.norm_weight);
    norm->bias.copy_(parts.norm_bias);
    second->weight.copy_(parts.shared_weight);
    second->bias.copy_(parts.second_bias);
    third_bias.copy_(parts.third_bias);
  }
  void reset() override {
    first = register_module("first", torch::nn::Linear(5, 7));
    norm = register_module("norm", torch::nn::BatchNorm1d(7));
    second = register_module("second", torch::nn::Linear(7, 7));
    third_bias = register_parameter("third_bias", torch::empty({7}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = torch::relu(norm(first(x)));
    const auto z =
        torch::linear(second(y) * parts_.scale, second->weight, third_bias);
    const auto pieces = z.split_with_sizes({2, 2, 3}, 1);
    return torch::cat({pieces[0], pieces[1], pieces[2] / x.size(0)}, 1) +
        parts_.shift;
  }

  torch::nn::Linear first{nullptr};
  torch::nn::BatchNorm1d norm{nullptr};
  torch::nn::Linear second{nullptr};
  torch::Tensor third_bias;

 private:
  TrunkParts parts_;
};
TORCH_MODULE(PlainTrunk);

class ExportedProgramFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder);
    torch::manual_seed(7);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder);
  }

  ExportedProgram loaded(const ProgramBuilder& built) const {
    built.write(path);
    return ExportedProgram(path);
  }
  std::string content(const std::string& of) const {
    std::ifstream stream(of, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
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

// Without the archive's own serial number.
std::map<std::string, std::string> records_of_archive(
    const std::string& path, const std::string& except) {
  detail::ZipArchive zip(path);
  std::map<std::string, std::string> records;
  for (const auto& name : zip.names()) {
    const std::string record = name.substr(name.find('/') + 1);
    if (record != ".data/serialization_id" && record.rfind(except, 0) != 0) {
      records[record] = zip.text(name);
    }
  }
  return records;
}

std::vector<std::string> keys_in(
    const torch::OrderedDict<std::string, at::Tensor>& dict) {
  return dict.keys();
}

void expect_same_weights(
    const torch::nn::Module& a, const torch::nn::Module& b, double tolerance) {
  const auto same = [&](const auto& of_a, const auto& of_b) {
    ASSERT_EQ(of_a.keys(), of_b.keys());
    for (const auto& entry : of_a) {
      const auto& other = of_b[entry.key()];
      EXPECT_EQ(entry.value().scalar_type(), other.scalar_type());
      EXPECT_TRUE(
          tolerance == 0
              ? torch::equal(entry.value(), other)
              : torch::allclose(entry.value(), other, tolerance, tolerance))
          << entry.key();
    }
  };
  same(a.named_parameters(), b.named_parameters());
  same(a.named_buffers(), b.named_buffers());
}

TEST_F(ExportedProgramFile, RunsAsTheSameModulesDo) {
  const TrunkParts parts;
  auto program = loaded(trunk_program(parts));
  PlainTrunk plain(parts);
  for (const bool training : {true, false, true}) {
    program->train(training);
    plain->train(training);
    for (const int64_t rows : {4, 9}) {
      const auto x = program_input(rows);
      EXPECT_TRUE(torch::equal(program->forward(x), plain->forward(x)));
    }
  }
  const auto buffers = program->named_buffers();
  EXPECT_TRUE(
      torch::equal(buffers["norm.running_mean"], plain->norm->running_mean));
  EXPECT_TRUE(
      torch::equal(buffers["norm.running_var"], plain->norm->running_var));
  EXPECT_EQ(buffers["norm.num_batches_tracked"].item<int64_t>(), 4);
}

TEST_F(ExportedProgramFile, NamesItsWeightsAsPythonDoes) {
  const auto program = loaded(trunk_program(TrunkParts()));
  EXPECT_THAT(
      keys_in(program->named_parameters()),
      ::testing::UnorderedElementsAre(
          "first.weight",
          "first.bias",
          "norm.weight",
          "norm.bias",
          "deep.second.weight",
          "deep.second.bias",
          "deep.third.weight",
          "deep.third.bias"));
  EXPECT_THAT(
      keys_in(program->named_buffers()),
      ::testing::UnorderedElementsAre(
          "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"));
  const auto parameters = program->named_parameters();
  EXPECT_TRUE(parameters["deep.second.weight"].is_same(
      parameters["deep.third.weight"]));
  EXPECT_THAT(program->input_names(), ElementsAre("x"));
  std::ostringstream printed;
  printed << *program;
  EXPECT_THAT(
      printed.str(),
      ::testing::StartsWith(
          "polytask::io::ExportedProgram(inputs='x', outputs=1, nodes=12)"));
}

TEST_F(ExportedProgramFile, LetsAllThroughItsDropoutInEval) {
  const TrunkParts parts;
  auto with = loaded(trunk_program(parts, false, true));
  auto without = loaded(trunk_program(parts, false, false));
  EXPECT_TRUE(with->has_modes());
  EXPECT_FALSE(without->has_modes());
  const auto x = program_input(6);
  EXPECT_FALSE(torch::equal(with->forward(x), without->forward(x)));
  with->eval();
  EXPECT_TRUE(torch::equal(with->forward(x), without->forward(x)));
  with->train();
  torch::manual_seed(1);
  const auto drawn = with->forward(x);
  torch::manual_seed(1);
  EXPECT_TRUE(torch::equal(with->forward(x), drawn));
}

// As torchvision's and timm's: x * (bernoulli(p) / divisor).
ProgramBuilder drawing_program(double p, double divisor) {
  ProgramBuilder built;
  built.input("x", {-1, 5});
  built.node("empty_like.default", {{"self", tensor_named("x")}}, "empty")
      .node(
          "bernoulli_.float",
          {{"self", tensor_named("empty")}, {"p", {{"as_float", p}}}},
          "drawn")
      .node(
          "div_.Tensor",
          {{"self", tensor_named("drawn")}, {"other", {{"as_float", divisor}}}},
          "noise")
      .node(
          "mul.Tensor",
          {{"self", tensor_named("x")}, {"other", tensor_named("noise")}},
          "product")
      .output("product");
  return built;
}

TEST_F(ExportedProgramFile, LetsAllBranchesOfStochasticDepthThroughInEval) {
  auto program = loaded(drawing_program(0.3, 0.3));
  EXPECT_TRUE(program->has_modes());
  const auto x = program_input(6);
  const auto drawn = program->forward(x);
  EXPECT_TRUE(torch::allclose(drawn, (drawn != 0) * (x / 0.3)));
  EXPECT_FALSE(drawn.all().item<bool>());
  program->eval();
  EXPECT_TRUE(torch::equal(program->forward(x), x));
}

TEST_F(ExportedProgramFile, GoesOnDrawingWhatIsNotDividedByItsProbability) {
  auto program = loaded(drawing_program(0.3, 0.4));
  EXPECT_FALSE(program->has_modes());
  program->eval();
  EXPECT_FALSE(program->forward(program_input(6)).all().item<bool>());
}

TEST_F(ExportedProgramFile, IsClonedDeeplyWithItsTies) {
  auto program = loaded(trunk_program(TrunkParts()));
  program->named_parameters()["first.bias"].requires_grad_(false);
  program->eval();
  const auto copy =
      std::dynamic_pointer_cast<ExportedProgramImpl>(program->clone());
  ASSERT_NE(copy, nullptr);
  EXPECT_FALSE(copy->is_training());
  expect_same_weights(*program.ptr(), *copy, 0);
  const auto parameters = copy->named_parameters();
  EXPECT_FALSE(parameters["first.bias"].requires_grad());
  EXPECT_TRUE(parameters["deep.second.weight"].is_same(
      parameters["deep.third.weight"]));
  const auto x = program_input(3);
  const auto before = program->forward(x);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : copy->parameters()) {
      parameter.zero_();
    }
  }
  EXPECT_TRUE(torch::equal(program->forward(x), before));
  EXPECT_FALSE(torch::equal(copy->forward(x), before));
}

TEST_F(ExportedProgramFile, GoesToAnotherDtypeWithItsConstants) {
  const TrunkParts parts;
  auto program = loaded(trunk_program(parts));
  auto integers = program->named_buffers()["norm.num_batches_tracked"];
  integers.fill_((int64_t{1} << 53) + 1); // none of a double
  const auto x = program_input(6);
  const auto expected = program->clone();
  const auto values =
      std::dynamic_pointer_cast<ExportedProgramImpl>(expected)->forward(x);
  program->to(torch::kDouble);
  const auto found = program->forward(x.to(torch::kDouble));
  EXPECT_EQ(found.scalar_type(), torch::kDouble);
  EXPECT_TRUE(torch::allclose(found, values.to(torch::kDouble), 1e-4, 1e-5));
  EXPECT_EQ(
      program->named_buffers()["norm.num_batches_tracked"].scalar_type(),
      torch::kLong);
  EXPECT_EQ(integers.item<int64_t>(), (int64_t{1} << 53) + 2);
  EXPECT_TRUE(says(
      error_of([&] { program->save(folder + "/other.pt2"); }),
      {"ExportedProgram: '", "Double", "Float", "cannot be saved"}));
  EXPECT_FALSE(std::filesystem::exists(folder + "/other.pt2"));
  program->to(torch::kCPU);
  program->to(torch::kCPU, torch::kFloat);
  EXPECT_NO_THROW(program->save(folder + "/other.pt2"));
}

TEST_F(ExportedProgramFile, IsSavedWithTheWeightsThatItHasNow) {
  auto built = trunk_program(TrunkParts());
  built.others.emplace_back("extra/notes.txt", std::string("a\0b", 3));
  auto program = loaded(built);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : program->parameters()) {
      parameter.add_(1);
    }
    program->forward(program_input(6));
  }
  const std::string saved = folder + "/saved.pt2";
  program->save(saved);
  ExportedProgram again(saved);
  expect_same_weights(*program, *again, 0);
  EXPECT_EQ(
      records_of_archive(path, "data/weights/weight_"),
      records_of_archive(saved, "data/weights/weight_"));
  again->save(folder + "/second.pt2");
  EXPECT_EQ(
      records_of_archive(saved, "-"),
      records_of_archive(folder + "/second.pt2", "-"));
  const auto x = program_input(5);
  EXPECT_TRUE(torch::equal(program->forward(x), again->forward(x)));
}

TEST_F(ExportedProgramFile, IsSavedWhereAWeightRepeatsItsElements) {
  ProgramBuilder built;
  built.buffer("row", torch::arange(4.0).expand({3, 4}))
      .input("x", {3, 4})
      .node(
          "add.Tensor",
          {{"self", tensor_named("x")}, {"other", tensor_named("row")}},
          "sum")
      .output("sum");
  auto program = loaded(built);
  program->save(folder + "/saved.pt2");
  ExportedProgram again(folder + "/saved.pt2");
  EXPECT_TRUE(
      torch::equal(again->buffers()[0], torch::arange(4.0).expand({3, 4})));
  const auto copy = program->clone();
  copy->buffers()[0].fill_(2);
  std::dynamic_pointer_cast<ExportedProgramImpl>(copy)->save(
      folder + "/saved.pt2");
  copy->buffers()[0][1] = 3;
  EXPECT_TRUE(says(
      error_of([&] {
        std::dynamic_pointer_cast<ExportedProgramImpl>(copy)->save(
            folder + "/saved.pt2");
      }),
      {"'row'", "differ"}));
}

TEST_F(ExportedProgramFile, LeavesTheOldFileWhereItCannotBeSaved) {
  auto program = loaded(trunk_program(TrunkParts()));
  const std::string before = content(path);
  std::string said;
  {
    const testing::FileSizeLimit limit(1000);
    said = error_of([&] { program->save(path); });
  }
  EXPECT_TRUE(says(said, {"ExportedProgram: ", path}));
  EXPECT_EQ(content(path), before);
  EXPECT_EQ(
      std::distance(
          std::filesystem::directory_iterator(folder),
          std::filesystem::directory_iterator()),
      1);
  EXPECT_TRUE(says(
      error_of([&] { program->save(folder + "/none/program.pt2"); }),
      {"ExportedProgram: ", "/none/program.pt2"}));
}

// Models that hold a program, and the same of LibTorch's modules.

MultiTaskModel model_on(const Network& trunk) {
  MultiTaskModel model{HardSharing(trunk)};
  torch::manual_seed(5);
  for (const char* name : {"a", "b", "c"}) {
    model->add_task(name, Task(torch::nn::Linear(7, 1), MSELoss()));
  }
  return model;
}

MultiTaskModel model_with_head(const Network& head) {
  torch::manual_seed(5);
  MultiTaskModel model{HardSharing(
      torch::nn::Sequential(torch::nn::Linear(5, 5), torch::nn::Tanh()))};
  model->add_task("a", Task(torch::nn::Linear(5, 1), MSELoss()));
  model->add_task("b", Task(torch::nn::Linear(5, 1), MSELoss()));
  model->add_task("c", Task(head, MSELoss()));
  return model;
}

Batch program_batch(int64_t rows, int64_t last) {
  const auto x = program_input(rows);
  const auto a = torch::randn({rows, 1});
  const auto b = torch::randn({rows, 1});
  return Batch(x, {{"a", a}, {"b", b}, {"c", torch::randn({rows, last})}});
}

std::string name_of_plain(std::string name) {
  const std::vector<std::pair<std::string, std::string>> others = {
      {"deep.third.weight", "second.weight"},
      {"deep.third.bias", "third_bias"},
      {"deep.second", "second"}};
  for (const auto& [from, to] : others) {
    if (const auto at = name.find(from); at != std::string::npos) {
      name.replace(at, from.size(), to);
    }
  }
  return name;
}

void expect_close_to_plain(
    const MultiTaskModel& model, const MultiTaskModel& plain) {
  const auto compare = [](const auto& found, const auto& expected) {
    for (const auto& entry : found) {
      const auto& other = expected[name_of_plain(entry.key())];
      EXPECT_TRUE(torch::allclose(entry.value(), other, 1e-5, 1e-6))
          << entry.key();
    }
  };
  compare(model->named_parameters(), plain->named_parameters());
  compare(model->named_buffers(), plain->named_buffers());
}

// Ten steps of a model, of its twin by autograd, and of the plain one.
void expect_trains_as_plain(
    const MultiTaskModel& model,
    const MultiTaskModel& plain,
    int64_t width,
    const std::function<void(
        const MultiTaskModel& model, Route route, const Batch& batch)>& steps) {
  const auto batch = program_batch(12, width);
  const auto twin = testing::twin_of(model);
  steps(model, Route::kAuto, batch);
  steps(twin, Route::kAutograd, batch);
  steps(plain, Route::kAutograd, batch);
  expect_same_weights(*model.ptr(), *twin.ptr(), 1e-5);
  expect_close_to_plain(model, plain);
}

void take_joint_steps(
    const MultiTaskModel& model,
    Route route,
    const Batch& batch,
    const std::string& method) {
  torch::manual_seed(9); // methods that draw
  auto options = JointTrainingOptions().route(route);
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  JointTraining joint(
      model, torch::optim::SGDOptions(0.02).momentum(0.9), options);
  for (int step = 0; step < 10; ++step) {
    joint.step(batch);
  }
}

class ExportedProgramMethods
    : public ExportedProgramFile,
      public ::testing::WithParamInterface<const char*> {
 protected:
  std::function<void(const MultiTaskModel&, Route, const Batch&)> steps() {
    return [](const MultiTaskModel& model, Route route, const Batch& batch) {
      take_joint_steps(model, route, batch, GetParam());
    };
  }
};

TEST_P(ExportedProgramMethods, TrainATrunkAsPlainModules) {
  const TrunkParts parts;
  expect_trains_as_plain(
      model_on(loaded(trunk_program(parts))),
      model_on(PlainTrunk(parts)),
      1,
      steps());
}

TEST_P(ExportedProgramMethods, TrainAHeadAsPlainModules) {
  const TrunkParts parts;
  expect_trains_as_plain(
      model_with_head(loaded(trunk_program(parts))),
      model_with_head(PlainTrunk(parts)),
      7,
      steps());
}

INSTANTIATE_TEST_SUITE_P(
    , ExportedProgramMethods, ::testing::Values("", "upgrad", "pcgrad"));

TEST_F(ExportedProgramFile, TrainsTasksInTurnAsPlainModulesDo) {
  const TrunkParts parts;
  expect_trains_as_plain(
      model_on(loaded(trunk_program(parts))),
      model_on(PlainTrunk(parts)),
      1,
      [](const MultiTaskModel& model, Route route, const Batch& batch) {
        AlternatingTraining training(
            model,
            torch::optim::SGDOptions(0.02),
            AlternatingTrainingOptions()
                .sampler(RoundRobinSampler())
                .route(route));
        for (int step = 0; step < 10; ++step) {
          training.step(batch);
        }
      });
}

TEST_F(ExportedProgramFile, IsClonedWithItsModel) {
  const auto model = model_on(loaded(trunk_program(TrunkParts())));
  const auto twin = testing::twin_of(model);
  expect_same_weights(*model.ptr(), *twin.ptr(), 0);
  const auto before = testing::twin_of(twin);
  take_joint_steps(model, Route::kAuto, program_batch(6, 1), "");
  expect_same_weights(*twin.ptr(), *before.ptr(), 0);
}

TEST_F(ExportedProgramFile, IsSavedAndLoadedWithItsModel) {
  auto model = model_on(loaded(trunk_program(TrunkParts())));
  take_joint_steps(model, Route::kAuto, program_batch(6, 1), "");
  std::stringstream bytes;
  torch::save(model, bytes);
  auto other = model_on(loaded(trunk_program(TrunkParts())));
  torch::load(other, bytes);
  expect_same_weights(*model.ptr(), *other.ptr(), 0);
  const auto parameters = other->named_parameters();
  EXPECT_TRUE(parameters["sharing.trunk.deep.second.weight"].is_same(
      parameters["sharing.trunk.deep.third.weight"]));
}

TEST_F(ExportedProgramFile, HasWeightsThatAreSavedAlone) {
  auto program = loaded(trunk_program(TrunkParts()));
  std::stringstream bytes;
  torch::save(program, bytes);
  auto other = loaded(trunk_program(TrunkParts()));
  torch::load(other, bytes);
  expect_same_weights(*program, *other, 0);
}

TEST_F(ExportedProgramFile, GoesOnFromACheckpoint) {
  trunk_program(TrunkParts()).write(path);
  const auto run = [&](const std::string& name, int64_t steps) {
    torch::manual_seed(2);
    const auto x = torch::randn({24, 5});
    const auto y = x.sum(1, true);
    data::Loader loader(
        data::Dataset(x, {{"a", y}, {"b", -y}, {"c", 2 * y}}),
        data::LoaderOptions().batch_size(8));
    auto model = model_on(ExportedProgram(path));
    JointTraining training(model, torch::optim::AdamOptions(0.01));
    fit::Fit(
        training,
        loader,
        fit::FitOptions()
            .steps(steps)
            .folder(folder + "/" + name)
            .events(false)
            .report(false)
            .progress(fit::ProgressKind::kSilent)
            .checkpoints(
                fit::CheckpointOptions().every_steps(1).not_within_seconds(0)))
        .run();
    return model;
  };
  run("cut", 5);
  const auto resumed = run("cut", 8);
  const auto whole = run("whole", 8);
  expect_same_weights(*resumed.ptr(), *whole.ptr(), 0);
}

TEST_F(ExportedProgramFile, LeavesBuffersAsTheyWereWhereAStepFails) {
  auto built = trunk_program(TrunkParts());
  built.constant("rows", torch::zeros({6, 1}))
      .node(
          "add.Tensor",
          {{"self", tensor_named("sum")}, {"other", tensor_named("rows")}},
          "fixed");
  built.program["graph_module"]["signature"]["output_specs"] =
      ProgramBuilder::Json::array();
  built.output("fixed");
  auto model = model_on(loaded(built));
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  joint.step(program_batch(6, 1));
  const auto before = testing::twin_of(model);
  for (const auto route : {Route::kAuto, Route::kAutograd}) {
    JointTraining other(
        model,
        torch::optim::SGDOptions(0.1),
        JointTrainingOptions().route(route));
    EXPECT_TRUE(says(
        error_of([&] { other.step(program_batch(5, 1)); }),
        {"node 'fixed' (torch.ops.aten.add.Tensor)", "(5)", "(6)"}));
  }
  expect_same_weights(*model.ptr(), *before.ptr(), 0);
}

TEST_F(ExportedProgramFile, WarnsOfTrainingWhatWasExportedInEvalMode) {
  auto built = testing::trunk_program(testing::TrunkParts());
  for (auto& node : built.nodes()) {
    for (auto& argument : node["inputs"]) {
      if (argument["name"] == "training") {
        argument["arg"] = {{"as_bool", false}};
      }
    }
  }
  auto program = loaded(built);
  const auto x = torch::randn({4, 5});
  const testing::Warnings warnings("ExportedProgram: ");
  program->eval();
  program->forward(x);
  EXPECT_THAT(warnings.texts, ::testing::IsEmpty());
  program->train();
  program->forward(x);
  program->forward(x);
  EXPECT_THAT(
      warnings.texts,
      ::testing::ElementsAre(
          ::testing::HasSubstr("was exported in eval mode")));
  loaded(testing::trunk_program(testing::TrunkParts()))->forward(x);
  EXPECT_EQ(warnings.texts.size(), 1);
}

TEST_F(ExportedProgramFile, IsSavedUnderTheEndingThatPythonExpects) {
  auto program = loaded(testing::trunk_program(testing::TrunkParts()));
  EXPECT_TRUE(says(
      error_of([&] { program->save(folder + "/saved.pt"); }),
      {".pt2", "saved.pt"}));
}

} // namespace
} // namespace polytask::io
