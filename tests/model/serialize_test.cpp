// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/serialize.h>

#include <set>
#include <sstream>
#include <utility>

#include "core/archive_key.h"
#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/warnings.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::same_bits;
using testing::snapshot;

template <typename Value>
std::string archive_of_any(const Value& value) {
  std::ostringstream stream;
  torch::save(value, stream);
  return stream.str();
}

void load_bytes(MultiTaskModel& model, const std::string& bytes) {
  std::istringstream stream(bytes);
  torch::load(model, stream);
}

MultiTaskModel model_with(Task first, Task second) {
  MultiTaskModel model{HardSharing(torch::nn::Linear(5, 8))};
  model->add_task("a", std::move(first));
  model->add_task("b", std::move(second));
  return model;
}

MultiTaskModel plain_model() {
  return model_with(LinearTask(8, 1), LinearTask(8, 1));
}

MultiTaskModel tied_heads_model() {
  const LinearTask head(8, 1);
  return model_with(head, head);
}

MultiTaskModel oddly_named_model() {
  MultiTaskModel model;
  for (const auto* name : {"a",        "b",       "class",
                           "_class",   "None",    "a \"b\"\n",
                           "0",        "\u00e4",  "in",
                           "training", "forward", "self",
                           "nan",      "inf",     "__init__",
                           "Tensor",   "print",   "float",
                           "a_b",      "_",       "__parameters__",
                           "NoneType", "x y"}) {
    model->add_task(name, LinearTask(5, 1));
  }
  return model;
}

MultiTaskModel stateful_model() {
  MultiTaskModel model{HardSharing(torch::nn::Sequential(
      torch::nn::Linear(5, 8),
      torch::nn::BatchNorm1d(8),
      torch::nn::Dropout(0.3)))};
  model->add_task("a", LinearTask(LinearTaskOptions(8, 1).bias(false)));
  model->add_task(
      "b",
      Task(
          torch::nn::Sequential(
              {{"hidden", torch::nn::Linear(8, 4)},
               {"tanh", torch::nn::Tanh()},
               {"out", torch::nn::Linear(4, 1)}}),
          MSELoss()));
  return model;
}

struct RoundTripCase {
  const char* name;
  MultiTaskModel (*make)();
};

class ModelRoundTrip : public ::testing::TestWithParam<RoundTripCase> {};

TEST_P(ModelRoundTrip, GivesTheSameOutputsBitForBit) {
  MultiTaskModel model = GetParam().make();
  const auto x = torch::randn({16, 5});
  const auto y = torch::randn({16, 1});
  const Batch batch(x, {{"a", y}, {"b", y}});
  JointTraining(model, torch::optim::AdamOptions(0.1)).run(batch, 3);

  MultiTaskModel loaded = GetParam().make();
  load_bytes(loaded, archive_of_any(model));
  EXPECT_TRUE(same_bits(model->buffers(), loaded->buffers()));
  model->eval();
  loaded->eval();
  for (const auto& task : model->task_names()) {
    EXPECT_TRUE(torch::equal(
        model->forward_task(x, task), loaded->forward_task(x, task)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    ModelRoundTrip,
    ::testing::Values(
        RoundTripCase{"Plain", plain_model},
        RoundTripCase{"TiedHeads", tied_heads_model},
        RoundTripCase{"OddNames", oddly_named_model},
        RoundTripCase{"BuffersDropoutAndNames", stateful_model}),
    [](const auto& each) { return each.param.name; });

TEST(ModelSave, KeepsTaskWeightsAndWhatIsFrozen) {
  MultiTaskModel model = plain_model();
  model->task("b").weight(0.25);
  model->freeze("a");
  model->shared_parameters()[1].requires_grad_(false);
  MultiTaskModel loaded = plain_model();
  loaded->freeze("b");
  load_bytes(loaded, archive_of_any(model));
  EXPECT_EQ(loaded->task("a").weight(), 1);
  EXPECT_EQ(loaded->task("b").weight(), 0.25);
  for (const auto& parameter : model->named_parameters()) {
    EXPECT_EQ(
        loaded->named_parameters()[parameter.key()].requires_grad(),
        parameter.value().requires_grad())
        << parameter.key();
  }
}

TEST(ModelSave, CallsHeadsByTheirNames) {
  torch::serialize::InputArchive archive, tasks, head;
  std::istringstream bytes(archive_of_any(oddly_named_model()));
  archive.load_from(bytes);
  archive.read("tasks", tasks);
  for (const auto* key : {"a", "_class", "_None", "_0", "_a_20_22b_22_0A"}) {
    EXPECT_TRUE(tasks.try_read(key, head)) << key;
  }
}

TEST(ArchiveKey, OfTwoNamesIsNeverTheSame) {
  std::set<std::string> keys;
  const auto names = {
      "class",
      "_class",
      "__class",
      "_5Fclass",
      "_5fclass",
      "a b",
      "a_20b",
      "_a_20b",
      "a",
      "_a",
      "0",
      "_0",
      "in",
      "_in"};
  for (const auto* name : names) {
    keys.insert(detail::archive_key(name));
  }
  EXPECT_EQ(keys.size(), names.size());
  EXPECT_EQ(detail::archive_key("speed_2"), "speed_2");
}

TEST(ModelSave, RefusesANameThatLibTorchCannotReadBack) {
  const auto model = model_with(
      LinearTask(8, 1),
      Task(
          torch::nn::Sequential({{"in", torch::nn::Linear(8, 1)}}), MSELoss()));
  const auto message = error_of([&] { archive_of_any(model); });
  EXPECT_THAT(message, HasSubstr("'tasks.b.in'"));
  EXPECT_THAT(message, HasSubstr("word of TorchScript"));
}

// As polytask wrote them before task weights and frozen parameters: heads by
// their places.
std::string early_archive(const MultiTaskModel& model) {
  torch::serialize::OutputArchive made;
  const auto unit = made.compilation_unit();
  torch::serialize::OutputArchive sharing(unit), tasks(unit);
  torch::List<std::string> names;
  model->sharing().save(sharing);
  for (const auto& name : model->task_names()) {
    torch::serialize::OutputArchive head(unit);
    model->task(name).head().module()->save(head);
    tasks.write(std::to_string(names.size()), head);
    names.push_back(name);
  }
  made.write("polytask_tasks", torch::IValue(names));
  made.write("sharing", sharing);
  made.write("tasks", tasks);
  std::ostringstream stream;
  made.save_to(stream);
  return stream.str();
}

TEST(ModelLoad, ReadsEarlyArchivesAndSaysWhatTheyLack) {
  const MultiTaskModel model = stateful_model();
  MultiTaskModel loaded = stateful_model();
  loaded->task("b").weight(0.5);
  loaded->freeze("a");
  const std::string bytes = early_archive(model);
  std::vector<std::string> warnings;
  {
    testing::Warnings kept;
    load_bytes(loaded, bytes);
    warnings = kept.texts;
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(loaded)));
  EXPECT_TRUE(same_bits(model->buffers(), loaded->buffers()));
  EXPECT_EQ(loaded->task("b").weight(), 0.5);
  EXPECT_FALSE(loaded->task_parameters("a")[0].requires_grad());
  EXPECT_THAT(
      warnings, ::testing::ElementsAre(HasSubstr("those of this model stay")));
}

MultiTaskModel model_with_dropouts(bool first, bool last) {
  torch::nn::Sequential trunk;
  if (first) {
    trunk->push_back(torch::nn::Dropout(0.1));
  }
  trunk->push_back(torch::nn::Linear(5, 8));
  trunk->push_back(torch::nn::Linear(8, 8));
  if (last) {
    trunk->push_back(torch::nn::Dropout(0.1));
  }
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(8, 1));
  return model;
}

TEST(ModelLoad, TakesADropoutMoreOrLess) {
  for (const bool first : {false, true}) {
    for (const bool last : {false, true}) {
      SCOPED_TRACE(first);
      SCOPED_TRACE(last);
      MultiTaskModel with = model_with_dropouts(first, last);
      MultiTaskModel without = model_with_dropouts(false, false);
      load_bytes(without, archive_of_any(with));
      EXPECT_TRUE(same_bits(snapshot(with), snapshot(without)));
      without = model_with_dropouts(false, false);
      load_bytes(with, archive_of_any(without));
      EXPECT_TRUE(same_bits(snapshot(with), snapshot(without)));
    }
  }
}

// Reads its own state, and then does not like it.
class ChoosyImpl : public LinearTaskImpl {
 public:
  ChoosyImpl() : LinearTaskImpl(8, 1) {}
  void load(torch::serialize::InputArchive& archive) override {
    LinearTaskImpl::load(archive);
    TORCH_CHECK_VALUE(std::exchange(accepts, true), "Choosy: no.");
  }
  bool accepts = false;
};

TEST(ModelLoad, PutsBackWhatAModuleRefusesLate) {
  const auto choosy = std::make_shared<ChoosyImpl>();
  MultiTaskModel model = model_with(LinearTask(8, 1), Task(choosy, MSELoss()));
  const std::string bytes =
      archive_of_any(model_with(LinearTask(8, 1), LinearTask(8, 1)));
  const auto before = snapshot(model);
  EXPECT_THAT(
      error_of([&] { load_bytes(model, bytes); }), HasSubstr("Choosy: no"));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST(ModelLoad, LeavesAnOptimizerOnTheModel) {
  MultiTaskModel model = plain_model();
  torch::optim::Adam optimizer(
      model->unique_parameters(), torch::optim::AdamOptions(0.1));
  load_bytes(model, archive_of_any(plain_model()));
  const auto before = snapshot(model);
  const auto y = torch::randn({16, 1});
  JointTraining(model, optimizer)
      .step(Batch(torch::randn({16, 5}), {{"a", y}, {"b", y}}));
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

// An archive that does not fit `plain_model`, and what the error says of it.
struct ForeignArchive {
  const char* name;
  std::string (*make)();
  std::vector<std::string> words;
};

class ModelLoadRefused : public ::testing::TestWithParam<ForeignArchive> {};

TEST_P(ModelLoadRefused, SaysWhyAndChangesNothing) {
  MultiTaskModel model = plain_model();
  const auto before = snapshot(model);
  const auto message = error_of([&] { load_bytes(model, GetParam().make()); });
  for (const auto& word : GetParam().words) {
    EXPECT_THAT(message, HasSubstr(word));
  }
  EXPECT_NE(message, "");
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

std::string other_tasks() {
  MultiTaskModel model{HardSharing(torch::nn::Linear(5, 8))};
  model->add_task("a", LinearTask(8, 1));
  model->add_task("z", LinearTask(8, 1));
  return archive_of_any(model);
}

std::string other_order() {
  MultiTaskModel model{HardSharing(torch::nn::Linear(5, 8))};
  model->add_task("b", LinearTask(8, 1));
  model->add_task("a", LinearTask(8, 1));
  return archive_of_any(model);
}

std::string other_shape() {
  return archive_of_any(model_with(LinearTask(8, 1), LinearTask(8, 2)));
}

std::string other_dtype() {
  MultiTaskModel model = plain_model();
  model->to(torch::kDouble);
  return archive_of_any(model);
}

std::string missing_tensor() {
  return archive_of_any(model_with(
      LinearTask(8, 1), LinearTask(LinearTaskOptions(8, 1).bias(false))));
}

std::string missing_module() {
  MultiTaskModel model;
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", LinearTask(8, 1));
  return archive_of_any(model);
}

std::string further_module() {
  return archive_of_any(model_with(
      LinearTask(8, 1),
      Task(torch::nn::Sequential(torch::nn::Linear(8, 1)), MSELoss())));
}

std::string further_buffer() {
  class BufferedImpl : public LinearTaskImpl {
   public:
    BufferedImpl() : LinearTaskImpl(8, 1) {
      register_buffer("seen", torch::zeros({1}));
    }
  };
  return archive_of_any(model_with(
      LinearTask(8, 1), Task(std::make_shared<BufferedImpl>(), MSELoss())));
}

std::string tensor_for_a_module() {
  torch::serialize::OutputArchive made;
  made.write(
      "polytask_tasks", torch::IValue(std::vector<std::string>{"a", "b"}));
  made.write("sharing", torch::ones({1}));
  made.write("tasks", torch::ones({1}));
  std::ostringstream stream;
  made.save_to(stream);
  return stream.str();
}

std::string plain_linear() {
  return archive_of_any(torch::nn::Linear(5, 8));
}

std::string truncated() {
  const std::string whole = archive_of_any(plain_model());
  return whole.substr(0, whole.size() / 2);
}

std::string no_archive() {
  return "polytask";
}

// An archive of `plain_model` whose own notes are others.
std::string with_notes(
    int64_t format, std::vector<double> weights, std::vector<bool> trained) {
  torch::serialize::OutputArchive made;
  const auto unit = made.compilation_unit();
  const MultiTaskModel model = plain_model();
  torch::serialize::OutputArchive sharing(unit), tasks(unit);
  model->sharing().save(sharing);
  for (const auto* name : {"a", "b"}) {
    torch::serialize::OutputArchive head(unit);
    model->task(name).head().module()->save(head);
    tasks.write(name, head);
  }
  torch::List<bool> flags;
  for (const bool flag : trained) {
    flags.push_back(flag);
  }
  made.write(
      "polytask_tasks", torch::IValue(std::vector<std::string>{"a", "b"}));
  made.write("polytask_format", torch::IValue(format));
  made.write("polytask_version", torch::IValue("7.8.9"));
  made.write("polytask_weights", torch::IValue(weights));
  made.write("polytask_trained", torch::IValue(flags));
  made.write("sharing", sharing);
  made.write("tasks", tasks);
  std::ostringstream stream;
  made.save_to(stream);
  return stream.str();
}

std::string of_a_newer_polytask() {
  return with_notes(99, {1, 1}, std::vector<bool>(6, true));
}

std::string negative_weight() {
  return with_notes(2, {1, -1}, std::vector<bool>(6, true));
}

std::string one_weight() {
  return with_notes(2, {1}, std::vector<bool>(6, true));
}

std::string few_flags() {
  return with_notes(2, {1, 1}, std::vector<bool>(5, true));
}

INSTANTIATE_TEST_SUITE_P(
    Archives,
    ModelLoadRefused,
    ::testing::Values(
        ForeignArchive{"OtherTasks", other_tasks, {"'a', 'b'", "'a', 'z'"}},
        ForeignArchive{"OtherOrder", other_order, {"'a', 'b'", "'b', 'a'"}},
        ForeignArchive{
            "OtherShape", other_shape, {"'tasks.b.", "Float[1", "Float[2"}},
        ForeignArchive{
            "OtherDtype",
            other_dtype,
            {"'sharing.trunk.", "Float[", "Double["}},
        ForeignArchive{
            "MissingTensor",
            missing_tensor,
            {"archive has no", "'tasks.b.bias'"}},
        ForeignArchive{
            "MissingModule",
            missing_module,
            {"archive has no", "'sharing.trunk"}},
        ForeignArchive{"FurtherModule", further_module, {"'tasks.b."}},
        ForeignArchive{
            "FurtherBuffer",
            further_buffer,
            {"'tasks.b.seen'", "this model lacks"}},
        ForeignArchive{
            "TensorForAModule", tensor_for_a_module, {"no module 'sharing'"}},
        ForeignArchive{
            "NewerPolytask",
            of_a_newer_polytask,
            {"written by polytask 7.8.9, which is newer", "formats up to 2"}},
        ForeignArchive{
            "NegativeWeight", negative_weight, {"weight of at least 0"}},
        ForeignArchive{
            "OneWeight", one_weight, {"the weights of 2 tasks", "found 1"}},
        ForeignArchive{"FewFlags", few_flags, {"6 parameters", "so of 5"}},
        ForeignArchive{"PlainLinear", plain_linear, {"no multi-task model"}},
        ForeignArchive{"Truncated", truncated, {}},
        ForeignArchive{"NoArchive", no_archive, {}}),
    [](const auto& each) { return each.param.name; });

struct BlockImpl : torch::nn::Module {
  explicit BlockImpl(bool with_dropout) {
    register_module("relu", torch::nn::ReLU());
    if (with_dropout) {
      register_module("dropout", torch::nn::Dropout(0.1));
    }
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return input.relu();
  }
};
TORCH_MODULE(Block);

MultiTaskModel model_with_block(bool with_dropout) {
  MultiTaskModel model{torch::nn::Sequential(
      torch::nn::Linear(3, 4), Block(with_dropout), torch::nn::Linear(4, 2))};
  model->add_task("a", LinearTask(2, 1));
  return model;
}

TEST(ModelLoad, TakesADropoutMoreOrLessWithinABlock) {
  for (const bool with_dropout : {false, true}) {
    const auto model = model_with_block(with_dropout);
    std::stringstream file;
    torch::save(model, file);
    auto other = model_with_block(!with_dropout);
    torch::load(other, file);
    EXPECT_TRUE(same_bits(snapshot(model), snapshot(other)));
  }
  MultiTaskModel plain;
  plain->add_task("a", LinearTask(3, 1));
  std::stringstream file;
  torch::save(plain, file);
  MultiTaskModel with_trunk{torch::nn::Sequential(torch::nn::Tanh())};
  with_trunk->add_task("a", LinearTask(3, 1));
  torch::load(with_trunk, file);
  EXPECT_TRUE(same_bits(snapshot(plain), snapshot(with_trunk)));
}

} // namespace
} // namespace polytask
