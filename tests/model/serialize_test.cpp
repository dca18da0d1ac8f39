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

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

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
  for (const auto* name :
       {"a", "b", "class", "None", "a \"b\"\n", "0", "\u00e4"}) {
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
            {"archive has no", "'sharing.trunk'"}},
        ForeignArchive{"FurtherModule", further_module, {"'tasks.b."}},
        ForeignArchive{
            "FurtherBuffer",
            further_buffer,
            {"'tasks.b.seen'", "this model lacks"}},
        ForeignArchive{
            "TensorForAModule", tensor_for_a_module, {"no module 'sharing'"}},
        ForeignArchive{"PlainLinear", plain_linear, {"no multi-task model"}},
        ForeignArchive{"Truncated", truncated, {}},
        ForeignArchive{"NoArchive", no_archive, {}}),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace polytask
