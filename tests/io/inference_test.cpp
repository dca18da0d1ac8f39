// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/inference.h>

#include <gmock/gmock.h>
#include <polytask/fit/evaluate.h>
#include <polytask/io/safetensors.h>
#include <polytask/io/weights.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/mse.h>
#include <torch/torch.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <limits>

#include "io/inference/described_layer.h"
#include "tests/support/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

namespace fs = std::filesystem;
namespace nn = torch::nn;
using io::ExportOptions;
using io::InferenceModel;
using testing::error_of;
using testing::says;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

data::Table flats() {
  const auto values = torch::tensor(
      {{35., 520.}, {kNone, 600.}, {70., 910.}, {52., kNone}, {81., 1020.}},
      torch::kDouble);
  return data::Table(
      {"area", "rent", "city", "kind", "furnished"},
      values,
      {{"city", {torch::tensor({0, 1, 0, -1, 1}), {"Graz", "Linz"}}},
       {"kind", {torch::tensor({0, 1, 2, 0, 1}), {"flat", "house", "room"}}},
       {"furnished", {torch::tensor({0, 1, 0, 1, 0}), {"no", "yes"}}}});
}

data::Preparation preparation_of_flats() {
  return data::Preparation::fit(
      flats(),
      data::PreparationOptions()
          .numbers({"area"})
          .indicators(true)
          .one_hot({"city"})
          .missing_is_category(true)
          .target("rent")
          .target_class("kind")
          .target_binary("furnished", "yes"));
}

class Inference : public ::testing::Test {
 protected:
  Inference()
      : folder(
            fs::path(::testing::TempDir()) /
            ("inference_" + std::to_string(::getpid()))) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    torch::manual_seed(4);
  }
  ~Inference() override {
    fs::remove_all(folder);
  }

  template <typename Trunk>
  MultiTaskModel model_behind(Trunk trunk) const {
    MultiTaskModel model{trunk};
    model->add_task("rent", Task(nn::Linear(6, 1), MSELoss()));
    model->add_task("kind", Task(nn::Linear(6, 3), CrossEntropyLoss()));
    model->add_task("furnished", Task(nn::Linear(6, 1), BCEWithLogitsLoss()));
    return model;
  }
  MultiTaskModel model() const {
    return model_behind(nn::Sequential(
        nn::Linear(preparation.width(), 6), nn::BatchNorm1d(6), nn::SiLU()));
  }

  void expect_same_answers(
      const InferenceModel& read, MultiTaskModel written) const {
    written->eval();
    const auto outputs = written->forward(preparation.inputs(flats()));
    const auto answers = read.predict(flats());
    for (const auto& output : outputs) {
      EXPECT_TRUE(torch::equal(
          answers[output.key()],
          preparation.answers(output.key(), output.value())))
          << output.key();
    }
  }

  fs::path folder;
  std::string path = (folder / "model.safetensors").string();
  data::Preparation preparation = preparation_of_flats();
};

TEST_F(Inference, AnswersFromRawRows) {
  auto written = model();
  written->train();
  io::export_for_inference(
      written,
      preparation,
      path,
      ExportOptions().units({{"rent", "EUR/month"}}));
  EXPECT_TRUE(written->is_training());
  const InferenceModel read(path);
  expect_same_answers(read, written);
  EXPECT_EQ(read.tasks(), written->task_names());
  EXPECT_EQ(read.unit("rent"), "EUR/month");
  EXPECT_EQ(read.unit("kind"), "");
  EXPECT_TRUE(says(error_of([&] { read.unit("x"); }), {"'x'", "'rent'"}));
  EXPECT_EQ(read.preparation().names(), preparation.names());
  EXPECT_FALSE(read.predict(flats())["rent"].requires_grad());
}

TEST_F(Inference, AnswersTheSameInBatchesOfAnySize) {
  io::export_for_inference(model(), preparation, path);
  const InferenceModel read(path);
  const auto whole = read.predict(flats());
  for (const int64_t size : {1, 2, 5, 100}) {
    const auto parts = read.predict(flats(), size);
    for (const auto& task : read.tasks()) {
      EXPECT_TRUE(torch::allclose(parts[task], whole[task], 1e-6, 1e-6));
    }
  }
  EXPECT_TRUE(
      says(error_of([&] { read.predict(flats(), 0); }), {"batch_size", "0"}));
  const auto none =
      read.predict(flats().rows_at(torch::empty({0}, torch::kLong)));
  EXPECT_EQ(none["kind"].sizes(), torch::IntArrayRef({0, 3}));
}

TEST_F(Inference, KeepsEveryDtypeOfWeights) {
  for (const auto dtype : {torch::kDouble, torch::kBFloat16}) {
    auto written = model();
    written->to(dtype);
    io::export_for_inference(written, preparation, path);
    const InferenceModel read(path);
    for (const auto& weight : read.model()->parameters()) {
      EXPECT_EQ(weight.scalar_type(), dtype);
    }
    EXPECT_EQ(
        read.predict(flats())["rent"].scalar_type(),
        c10::promoteTypes(dtype, torch::kFloat));
  }
}

TEST_F(Inference, AnswersInUnitsThatHalfCannotHold) {
  const auto dear = torch::tensor({35e4, 60e4, 90e4, 50e4, 100e4});
  const data::Table rows(
      {"area", "rent"},
      torch::stack({torch::arange(5), dear}, 1).to(torch::kDouble));
  preparation = data::Preparation::fit(
      rows, data::PreparationOptions().numbers({"area"}).target("rent"));
  MultiTaskModel written{nn::Linear(1, 6)};
  written->add_task("rent", Task(nn::Linear(6, 1), MSELoss()));
  const auto expected = preparation.answers(
      "rent", written->forward(preparation.inputs(rows))[0].value());
  for (const auto dtype : {torch::kHalf, torch::kBFloat16}) {
    written->to(dtype);
    io::export_for_inference(written, preparation, path);
    const auto answers = InferenceModel(path).predict(rows)["rent"];
    EXPECT_TRUE(torch::allclose(answers, expected, 0.01)) << dtype;
  }
}

TEST_F(Inference, ReadsALayerThatStandsTwice) {
  const nn::Linear layer(6, 6);
  auto written = model_behind(nn::Sequential(
      nn::Linear(preparation.width(), 6), layer, nn::Tanh(), layer));
  io::export_for_inference(written, preparation, path);
  expect_same_answers(InferenceModel(path), written);
}

TEST_F(Inference, ReadsWideLayersWithoutWeights) {
  MultiTaskModel written{nn::Sequential(
      nn::Flatten(),
      nn::LayerNorm(nn::LayerNormOptions({400}).elementwise_affine(false)),
      nn::BatchNorm1d(
          nn::BatchNormOptions(400).affine(false).track_running_stats(false)),
      nn::AdaptiveAvgPool2d(nn::AdaptiveAvgPool2dOptions({1, 1})))};
  written->add_task("x", Task(nn::Linear(1, 1), MSELoss()));
  io::export_for_inference(written, path);
  EXPECT_EQ(InferenceModel(path).model()->parameters().size(), 2);
}

TEST_F(Inference, LeavesTheRandomNumbersAlone) {
  const auto next = [] { return torch::rand({1}).item<float>(); };
  const auto written = model();
  torch::manual_seed(5);
  const float expected = next();
  torch::manual_seed(5);
  io::export_for_inference(written, preparation, path);
  const InferenceModel read(path);
  EXPECT_EQ(next(), expected);
}

// Reads ids, as networks of one's own do.
struct EmbeddingTrunkImpl : nn::Module {
  explicit EmbeddingTrunkImpl(int64_t width, int64_t cities)
      : table(register_module("table", nn::Embedding(cities, 2))),
        linear(register_module("linear", nn::Linear(width + 2, 6))) {}
  torch::Tensor forward(const Inputs& inputs) {
    return linear(
        torch::cat({inputs["numbers"], table(inputs["ids"].select(1, 0))}, 1));
  }
  nn::Embedding table;
  nn::Linear linear;
};
TORCH_MODULE(EmbeddingTrunk);

TEST_F(Inference, TakesNetworksOfOnesOwn) {
  preparation = data::Preparation::fit(
      flats(),
      data::PreparationOptions()
          .numbers({"area"})
          .ids({"city"})
          .target("rent")
          .target_class("kind")
          .target_binary("furnished", "no"));
  const auto written = model_behind(EmbeddingTrunk(1, 3));
  io::export_for_inference(written, preparation, path);
  EXPECT_TRUE(says(
      error_of([&] { InferenceModel read(path); }),
      {path, "layers of their own kind"}));
  const InferenceModel read(path, model_behind(EmbeddingTrunk(1, 3)));
  expect_same_answers(read, written);
  const auto other = model_behind(EmbeddingTrunk(1, 4));
  const auto before = other->parameters()[0].clone();
  EXPECT_TRUE(says(
      error_of([&] { InferenceModel wrong(path, other); }),
      {path, "sharing.trunk.table.weight", "[4, 2]", "[3, 2]"}));
  EXPECT_TRUE(torch::equal(other->parameters()[0], before));
  EXPECT_TRUE(other->is_training());
}

TEST_F(Inference, OfInputsThatNobodyPrepares) {
  MultiTaskModel written{nn::Sequential(
      nn::Conv2d(nn::Conv2dOptions(3, 4, 3).stride(2).padding(1)),
      nn::BatchNorm2d(4),
      nn::ReLU(),
      nn::MaxPool2d(2),
      nn::AdaptiveAvgPool2d(nn::AdaptiveAvgPool2dOptions({1, std::nullopt})),
      nn::Flatten())};
  written->add_task("a", Task(nn::Linear(8, 2), MSELoss()));
  io::export_for_inference(written, path);
  const InferenceModel read(path);
  written->eval();
  const auto x = torch::randn({2, 3, 8, 8});
  EXPECT_TRUE(torch::equal(read.predict(x)["a"], written->forward(x)["a"]));
  EXPECT_FALSE(read.has_preparation());
  EXPECT_TRUE(
      says(error_of([&] { read.predict(flats()); }), {"has no preparation"}));
}

TEST_F(Inference, WithoutSharingAndWithTiedHeads) {
  MultiTaskModel written;
  nn::Linear head(3, 1);
  written->add_task("a", Task(head, MSELoss()));
  written->add_task("b", Task(head, MSELoss()));
  io::export_for_inference(written, path);
  const InferenceModel read(path);
  const auto x = torch::randn({4, 3});
  EXPECT_TRUE(torch::equal(read.predict(x)["b"], head(x)));
}

TEST_F(Inference, IsAFileOfWeightsToo) {
  const auto written = model();
  io::export_for_inference(written, preparation, path);
  auto other = model();
  EXPECT_TRUE(io::load_weights(*other, path).is_complete());
  EXPECT_TRUE(torch::equal(other->parameters()[0], written->parameters()[0]));
}

TEST_F(Inference, RefusesWhatCannotAnswerBeforeAnythingIsWritten) {
  auto wide = model_behind(nn::Linear(preparation.width() + 1, 6));
  EXPECT_NE(
      error_of([&] { io::export_for_inference(wide, preparation, path); }), "");
  auto classes = model();
  classes->replace_head("kind", nn::Linear(6, 4));
  EXPECT_TRUE(says(
      error_of([&] { io::export_for_inference(classes, preparation, path); }),
      {path, "'kind'", "[n, 3]", "[2, 4]"}));
  auto more = model();
  more->add_task("more", Task(nn::Linear(6, 1), MSELoss()));
  EXPECT_TRUE(says(
      error_of([&] { io::export_for_inference(more, preparation, path); }),
      {"'more'", "'rent'"}));
  EXPECT_TRUE(says(
      error_of([&] {
        io::export_for_inference(
            model(), preparation, path, ExportOptions().units({{"x", "m"}}));
      }),
      {"units", "'x'"}));
  EXPECT_TRUE(says(
      error_of([&] {
        io::export_for_inference(
            model(),
            preparation,
            path,
            ExportOptions().units({{"rent", "\xff"}}));
      }),
      {path, "UTF-8"}));
  EXPECT_TRUE(says(
      error_of([&] {
        io::export_for_inference(model(), preparation, path + ".pt");
      }),
      {".safetensors"}));
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(Inference, LeavesTheOldFileWhereTheDiskIsFull) {
  io::export_for_inference(model(), preparation, path);
  const auto size = fs::file_size(path);
  {
    const testing::FileSizeLimit limit(1000);
    EXPECT_NE(
        error_of([&] { io::export_for_inference(model(), preparation, path); }),
        "");
  }
  EXPECT_EQ(fs::file_size(path), size);
  EXPECT_EQ(InferenceModel(path).tasks().size(), 3);
}

TEST_F(Inference, RefusesOtherFilesByName) {
  io::save_weights(*model(), path);
  EXPECT_TRUE(says(
      error_of([&] { InferenceModel read(path); }),
      {path, "a file of weights"}));
  EXPECT_NE(error_of([&] { InferenceModel read(path + "x"); }), "");
}

// Whatever stands in place of its description.
TEST_F(Inference, RefusesDescriptionsThatAreWrong) {
  io::export_for_inference(model(), preparation, path);
  const io::SafetensorsFile file(path);
  torch::OrderedDict<std::string, torch::Tensor> tensors;
  for (const auto& name : file.names()) {
    tensors.insert(name, file.tensor(name).clone());
  }
  const auto good =
      nlohmann::ordered_json::parse(file.metadata().at("polytask.inference"));
  const auto error_with = [&](const std::string& text) {
    auto metadata = file.metadata();
    metadata["polytask.inference"] = text;
    const auto other = (folder / "other.safetensors").string();
    io::write_safetensors(other, tensors, metadata);
    return error_of([&] { InferenceModel read(other); });
  };
  const auto error_where = [&](const auto& change) {
    auto json = good;
    change(json);
    return error_with(json.dump());
  };
  EXPECT_EQ(error_with(good.dump()), "");
  EXPECT_TRUE(says(error_with(""), {"other.safetensors", "what it is"}));
  EXPECT_TRUE(says(error_with("[1]"), {"what it is"}));
  const std::string deep(100000, '[');
  EXPECT_TRUE(says(error_with(deep), {"in one another"}));
  EXPECT_TRUE(says(
      error_with(
          R"({"version": 1, "tasks": [], "preparation": )" + deep +
          std::string(100000, ']') + R"(, "networks": null})"),
      {"in one another"}));
  for (const auto& item : good.items()) {
    if (item.key() != "polytask") {
      EXPECT_NE(error_where([&](auto& json) { json.erase(item.key()); }), "")
          << item.key();
      EXPECT_NE(error_where([&](auto& json) { json[item.key()] = 7; }), "")
          << item.key();
    }
  }
  EXPECT_TRUE(says(
      error_where([](auto& json) { json["version"] = 2; }), {"version 2"}));
  EXPECT_TRUE(says(
      error_where([](auto& json) {
        json["networks"]["heads"]["rent"]["class"] = "os.system";
      }),
      {"'os.system'", "'Linear'"}));
  EXPECT_TRUE(says(
      error_where([](auto& json) {
        json["networks"]["heads"]["rent"]["args"]["in_features"] = 1LL << 40;
      }),
      {"more weights than it has"}));
  EXPECT_TRUE(says( // a bias alone
      error_where([](auto& json) {
        auto& args = json["networks"]["heads"]["rent"]["args"];
        args["in_features"] = 0;
        args["out_features"] = 1LL << 40;
      }),
      {"more weights than it has"}));
  EXPECT_TRUE(says( // that would be taken off
      error_where([](auto& json) {
        auto& args = json["networks"]["trunk"]["layers"][1][1]["args"];
        args["num_features"] = -(1LL << 40);
        args["track_running_stats"] = false;
      }),
      {"more weights than it has"}));
  EXPECT_TRUE(says( // more heads than weights
      error_where([](auto& json) {
        for (int i = 0; i < 200; ++i) {
          const auto name = "more" + std::to_string(i);
          json["tasks"].push_back({{"name", name}});
          json["networks"]["heads"][name] = json["networks"]["heads"]["rent"];
        }
      }),
      {"more weights than it has"}));
  EXPECT_NE(
      error_where([](auto& json) {
        json["networks"]["heads"]["rent"]["args"]["in_features"] = -1;
      }),
      "");
  EXPECT_TRUE(says(
      error_where([](auto& json) {
        for (int i = 0; i < 200; ++i) {
          nlohmann::ordered_json outer = {{"class", "Residual"}};
          outer["layers"] =
              nlohmann::ordered_json::array({nlohmann::ordered_json::array(
                  {"inner", json["networks"]["trunk"]})});
          json["networks"]["trunk"] = outer;
        }
      }),
      {"100 layers"}));
  EXPECT_TRUE(says(
      error_where([](auto& json) {
        json["preparation"]["targets"][2]["positive"] = "maybe";
      }),
      {"positive class"}));
  EXPECT_NE(
      error_where(
          [](auto& json) { json["preparation"]["numbers"][0]["scale"] = -1; }),
      "");
}

template <typename Module>
void expect_described(Module module, const torch::Tensor& x) {
  double left = 1e12;
  auto made =
      io::detail::network_of(io::detail::describe_network(*module), left);
  const auto weights = made.module()->named_parameters();
  for (const auto& weight : module->named_parameters()) {
    torch::NoGradGuard no_grad;
    torch::Tensor(weights[weight.key()]).copy_(weight.value());
  }
  module->eval();
  made.module()->eval();
  EXPECT_TRUE(torch::equal(module->forward(x), made.forward(x)))
      << module->name();
}

TEST(DescribedLayer, GivesBackEveryLayer) {
  const auto x = torch::randn({3, 4});
  const auto line = torch::randn({2, 4, 9});
  const auto image = torch::randn({2, 4, 9, 9});
  expect_described(nn::Linear(nn::LinearOptions(4, 2).bias(false)), x);
  expect_described(LinearTask(4, 2), x);
  expect_described(
      nn::Conv1d(nn::Conv1dOptions(4, 6, 3).stride(2).padding(1).groups(2)),
      line);
  expect_described(
      nn::Conv2d(nn::Conv2dOptions(4, 6, {3, 2})
                     .dilation({1, 2})
                     .padding({2, 0})
                     .bias(false)),
      image);
  expect_described(
      nn::BatchNorm1d(
          nn::BatchNorm1dOptions(4).eps(0.1).momentum(std::nullopt)),
      x);
  expect_described(
      nn::BatchNorm2d(nn::BatchNorm2dOptions(4).affine(false)), image);
  expect_described(nn::LayerNorm(nn::LayerNormOptions({9, 9}).eps(0.2)), image);
  expect_described(nn::GroupNorm(nn::GroupNormOptions(2, 4).eps(0.3)), image);
  expect_described(
      nn::Embedding(nn::EmbeddingOptions(5, 3).padding_idx(1)),
      torch::tensor({0, 1, 4}));
  expect_described(
      nn::MaxPool2d(
          nn::MaxPool2dOptions(3).stride(2).padding(1).ceil_mode(true)),
      image);
  expect_described(
      nn::AvgPool2d(nn::AvgPool2dOptions(3)
                        .stride(2)
                        .padding(1)
                        .count_include_pad(false)
                        .divisor_override(5)),
      image);
  expect_described(
      nn::AdaptiveAvgPool2d(nn::AdaptiveAvgPool2dOptions({std::nullopt, 3})),
      image);
  expect_described(
      nn::Flatten(nn::FlattenOptions().start_dim(0).end_dim(1)), image);
  expect_described(nn::Dropout(0.5), x);
  expect_described(nn::ReLU(), x);
  expect_described(nn::ReLU6(), x);
  expect_described(
      nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.3)), x);
  expect_described(nn::ELU(nn::ELUOptions().alpha(2)), x);
  expect_described(nn::SELU(), x);
  expect_described(nn::GELU(nn::GELUOptions().approximate("tanh")), x);
  expect_described(nn::SiLU(), x);
  expect_described(nn::Mish(), x);
  expect_described(nn::Sigmoid(), x);
  expect_described(nn::Tanh(), x);
  expect_described(
      nn::Softplus(nn::SoftplusOptions().beta(2).threshold(0.5)), x);
  expect_described(nn::Softmax(1), x);
  expect_described(nn::Identity(), x);
  expect_described(Residual(nn::Sequential(nn::Linear(4, 4), nn::Tanh())), x);
}

struct OwnLinearImpl : nn::LinearImpl {
  using nn::LinearImpl::LinearImpl;
};
TORCH_MODULE(OwnLinear);

TEST(DescribedLayer, IsNoneOfWhatWouldComeBackAsAnother) {
  EXPECT_TRUE(io::detail::describe_network(*OwnLinear(2, 1)).is_null());
  EXPECT_TRUE(io::detail::describe_network(
                  *nn::Sequential(nn::Linear(2, 2), nn::LSTM(2, 1)))
                  .is_null());
  EXPECT_TRUE(
      io::detail::describe_network(
          *nn::Conv2d(nn::Conv2dOptions(1, 1, 3).padding_mode(torch::kReflect)))
          .is_null());
  EXPECT_TRUE(io::detail::describe_network(
                  *nn::Embedding(nn::EmbeddingOptions(2, 1).max_norm(1)))
                  .is_null());
}

TEST_F(Inference, DescribesNoNetworkWhoseWeightsWereReplaced) {
  nn::Linear trunk(preparation.width(), 5);
  trunk->weight = trunk->register_parameter("other", torch::ones({6, 4}));
  MultiTaskModel written{trunk};
  written->add_task("a", Task(nn::Linear(5, 1), MSELoss()));
  io::export_for_inference(written, path);
  EXPECT_TRUE(says(
      error_of([&] { InferenceModel read(path); }), {"of their own kind"}));
}

} // namespace
} // namespace polytask
