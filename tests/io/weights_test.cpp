// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/weights.h>

#include <ATen/ops/_efficientzerotensor.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <polytask/io/python_file.h>
#include <polytask/io/safetensors.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/errors.h"

namespace polytask {

namespace {

using io::load_weights;
using io::LoadWeightsOptions;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using torch::nn::Linear;
using torch::nn::Sequential;

std::string weights_path(const std::string& end) {
  std::string test =
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::replace(test.begin(), test.end(), '/', '_');
  return ::testing::TempDir() + "weights_" + test + end;
}

Sequential small_net(int64_t seed) {
  torch::manual_seed(seed);
  Sequential net(
      Linear(3, 4), torch::nn::BatchNorm1d(4), Linear(4, 2)); // and buffers
  net->forward(torch::randn({8, 3}));
  return net;
}

MultiTaskModel two_tasks(int64_t seed, int64_t width = 4) {
  torch::manual_seed(seed);
  MultiTaskModel model{HardSharing(Sequential(Linear(3, width)))};
  model->add_task("a", LinearTask(width, 1));
  model->add_task("b", LinearTask(width, 2));
  return model;
}

using Values = std::vector<std::pair<std::string, at::Tensor>>;

Values values_of(const torch::nn::Module& module) {
  Values values;
  for (const auto& item : module.named_parameters()) {
    values.emplace_back(item.key(), item.value().detach().clone());
  }
  for (const auto& item : module.named_buffers()) {
    values.emplace_back(item.key(), item.value().clone());
  }
  return values;
}

void expect_values(const torch::nn::Module& module, const Values& expected) {
  const Values found = values_of(module);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].first, expected[i].first);
    EXPECT_TRUE(torch::equal(found[i].second, expected[i].second))
        << found[i].first;
  }
}

class WeightsOfAFormat : public ::testing::TestWithParam<const char*> {};

TEST_P(WeightsOfAFormat, GoFromOneModuleToAnother) {
  const auto path = weights_path(GetParam());
  const auto from = small_net(1);
  auto to = small_net(2);
  const at::Tensor held = to->parameters()[0];
  io::save_weights(*from, path);
  const auto loaded = load_weights(*to, path);
  EXPECT_TRUE(loaded.is_complete());
  EXPECT_EQ(loaded.loaded.size(), 9);
  expect_values(*to, values_of(*from));
  EXPECT_TRUE(held.is_same(to->parameters()[0]));
}

// Two names of one tensor.
struct TiedImpl : torch::nn::Module {
  TiedImpl() {
    first = register_parameter("first", torch::randn({3, 2}));
    register_parameter("second", first);
    own = register_parameter("own", torch::randn({2}));
  }
  at::Tensor first, own;
};

TEST_P(WeightsOfAFormat, OfTiedTensorsAreThereOnce) {
  const auto path = weights_path(GetParam());
  torch::manual_seed(1);
  const TiedImpl from;
  TiedImpl to;
  io::save_weights(from, path);
  const auto loaded = load_weights(to, path);
  EXPECT_THAT(loaded.loaded, ElementsAre("first", "own"));
  expect_values(to, values_of(from));
  if (path.ends_with(".safetensors")) {
    const io::SafetensorsFile file(path);
    EXPECT_THAT(file.names(), ElementsAre("first", "own"));
    EXPECT_EQ(file.metadata().at("second"), "first");
  } else {
    const auto tensors = io::tensors_of(io::read_python(path));
    EXPECT_EQ(tensors["first"].data_ptr(), tensors["second"].data_ptr());
  }
}

TEST_P(WeightsOfAFormat, StayWhatTheyAreInAFailure) {
  const auto path = weights_path(GetParam());
  io::save_weights(*small_net(1), path);
  auto model = two_tasks(3);
  const auto before = values_of(*model);
  const auto error = error_of([&] { load_weights(*model, path); });
  EXPECT_THAT(
      error,
      AllOf(
          HasSubstr("load_weights: " + path),
          HasSubstr("missing: 'sharing.trunk.0.weight'"),
          HasSubstr("unexpected: "),
          HasSubstr("'1.running_mean'")));
  expect_values(*model, before);
}

INSTANTIATE_TEST_SUITE_P(
    Formats,
    WeightsOfAFormat,
    ::testing::Values(".safetensors", ".pt", ".pth", ".bin"),
    [](const auto& each) { return std::string(each.param).substr(1); });

TEST(LoadWeights, ListsAllThatDoesNotFit) {
  const auto path = weights_path(".pt");
  io::save_weights(*two_tasks(1, 5), path);
  auto model = two_tasks(2);
  model->to(torch::kDouble);
  const auto before = values_of(*model);
  EXPECT_THAT(
      error_of([&] { load_weights(*model, path); }),
      AllOf(
          HasSubstr("'sharing.trunk.0.weight' is Double [4, 3] in the module "
                    "and Float [5, 3] in the file"),
          HasSubstr("'tasks.b.weight' is Double [2, 4]")));
  expect_values(*model, before);
  const auto loaded =
      load_weights(*model, path, LoadWeightsOptions().strict(false).cast(true));
  EXPECT_THAT(loaded.loaded, ElementsAre("tasks.a.bias", "tasks.b.bias"));
  EXPECT_EQ(loaded.misfits.size(), 4);
  EXPECT_EQ(loaded.misfits[0].expected_sizes, (std::vector<int64_t>{4, 3}));
}

TEST(LoadWeights, CastsWhereThatIsAskedFor) {
  const auto path = weights_path(".safetensors");
  const auto from = small_net(1);
  io::save_weights(*from, path);
  auto to = small_net(2);
  to->to(torch::kDouble);
  EXPECT_THAT(
      error_of([&] { load_weights(*to, path); }), HasSubstr("cast(true)"));
  load_weights(*to, path, LoadWeightsOptions().cast(true));
  EXPECT_EQ(to->parameters()[0].dtype(), torch::kDouble);
  EXPECT_TRUE(torch::equal(
      to->parameters()[0], from->parameters()[0].to(torch::kDouble)));
}

TEST(LoadWeights, GivesPythonsNamesTheModules) {
  const auto path = weights_path(".pt");
  torch::manual_seed(1);
  const Sequential encoder(Linear(3, 4));
  const auto weight = encoder->parameters()[0];
  torch::OrderedDict<std::string, at::Tensor> none;
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("module.encoder.0.weight", weight);
  dict.insert("module.encoder.0.bias", encoder->parameters()[1]);
  dict.insert("module.decoder.weight", torch::ones({2}));
  io::write_python(path, dict);
  auto model = two_tasks(2);
  EXPECT_THAT(
      error_of([&] { load_weights(*model, path); }),
      HasSubstr("rename(\"module.encoder.\", \"sharing.trunk.\")"));
  const auto loaded = load_weights(
      *model,
      path,
      LoadWeightsOptions()
          .strict(false)
          .rename("module.", "")
          .rename("encoder.", "sharing.trunk."));
  EXPECT_THAT(
      loaded.loaded,
      ElementsAre("sharing.trunk.0.weight", "sharing.trunk.0.bias"));
  EXPECT_THAT(loaded.unexpected, ElementsAre("decoder.weight"));
  EXPECT_EQ(loaded.missing.size(), 4);
  EXPECT_TRUE(torch::equal(model->parameters()[0], weight));
  // The trunk alone is all that is asked for.
  auto other = two_tasks(3);
  const auto trunk = load_weights(
      *other,
      path,
      LoadWeightsOptions()
          .rename_pattern(R"(^module\.encoder\.(\d+))", "sharing.trunk.$1")
          .only("sharing."));
  EXPECT_TRUE(trunk.is_complete());
  EXPECT_TRUE(torch::equal(other->parameters()[0], weight));
}

TEST(LoadWeights, RefusesTwoNamesThatBecomeOne) {
  const auto path = weights_path(".pt");
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("a.0.weight", torch::ones({4, 3}));
  dict.insert("b.0.weight", torch::ones({4, 3}));
  io::write_python(path, dict);
  auto model = two_tasks(2);
  EXPECT_THAT(
      error_of([&] {
        load_weights(
            *model,
            path,
            LoadWeightsOptions()
                .rename("a.", "sharing.trunk.")
                .rename("b.", "sharing.trunk."));
      }),
      HasSubstr("'a.0.weight' and 'b.0.weight' would both be "
                "'sharing.trunk.0.weight'"));
}

TEST(LoadWeights, RefusesOneTensorOfTwoValues) {
  const auto path = weights_path(".pt");
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("first", torch::zeros({3, 2}));
  dict.insert("second", torch::ones({3, 2}));
  dict.insert("own", torch::ones({2}));
  io::write_python(path, dict);
  TiedImpl tied;
  EXPECT_THAT(
      error_of([&] { load_weights(tied, path); }),
      HasSubstr("are one tensor in the module, and two in the file"));
}

TEST(LoadWeights, FindsTheStateDictOfACheckpoint) {
  const auto path = weights_path(".pt");
  const auto from = small_net(1);
  io::save_weights(*from, path);
  const auto checkpoint = [&](const char* key) {
    c10::impl::GenericDict dict(c10::StringType::get(), c10::AnyType::get());
    dict.insert("epoch", 3);
    dict.insert(key, io::read_python(path));
    io::write_python(path + ".of", dict);
    return path + ".of";
  };
  auto to = small_net(2);
  for (const char* key : {"model", "state_dict", "model_state_dict"}) {
    EXPECT_TRUE(load_weights(*to, checkpoint(key)).is_complete());
  }
  const auto other = checkpoint("ema");
  EXPECT_THAT(
      error_of([&] { load_weights(*to, other); }),
      AllOf(HasSubstr("its keys are 'epoch', 'ema'"), HasSubstr("key")));
  EXPECT_TRUE(
      load_weights(*to, other, LoadWeightsOptions().key("ema")).is_complete());
  expect_values(*to, values_of(*from));
}

TEST(LoadWeights, SaysWhatIsNotFinite) {
  const auto path = weights_path(".safetensors");
  const auto from = small_net(1);
  {
    const torch::NoGradGuard no_grad;
    from->parameters()[1].fill_(std::nan(""));
  }
  io::save_weights(*from, path);
  const auto loaded = load_weights(*small_net(2), path);
  EXPECT_THAT(loaded.not_finite, ElementsAre("0.bias"));
  std::ostringstream text;
  text << loaded;
  EXPECT_EQ(text.str(), "9 loaded; not finite: '0.bias'");
}

TEST(LoadWeights, IsSeenByATrainingThatHasStarted) {
  const auto path = weights_path(".safetensors");
  const Batch batch(
      torch::randn({6, 3}),
      {{"a", torch::randn({6, 1})}, {"b", torch::randn({6, 2})}});
  const auto fresh = two_tasks(5);
  io::save_weights(*fresh, path);
  auto model = two_tasks(6);
  JointTraining training(model, torch::optim::SGDOptions(0.1));
  training.step(batch);
  load_weights(*model, path);
  training.step(batch);
  JointTraining expected(fresh, torch::optim::SGDOptions(0.1));
  expected.step(batch);
  const auto found = values_of(*model), same = values_of(*fresh);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(torch::allclose(found[i].second, same[i].second, 1e-6, 1e-7));
  }
}

TEST(LoadWeights, RefusesWhatIsNoFileOfWeights) {
  auto net = small_net(1);
  const auto before = values_of(*net);
  const auto path = weights_path(".pt");
  std::ofstream(path) << "nothing of the kind";
  EXPECT_THAT(error_of([&] { load_weights(*net, path); }), HasSubstr(path));
  EXPECT_THAT(
      error_of([&] { load_weights(*net, path + ".absent"); }),
      HasSubstr(".absent"));
  c10::Dict<std::string, at::Tensor> empty;
  io::write_python(path, empty);
  EXPECT_THAT(
      error_of([&] { load_weights(*net, path); }),
      HasSubstr("no dict of tensors"));
  EXPECT_THAT(
      error_of([&] {
        load_weights(*net, path, LoadWeightsOptions().rename_pattern("(", ""));
      }),
      HasSubstr("no"));
  expect_values(*net, before);
}

TEST(SaveWeights, RefusesOtherEndingsAndEmptyModules) {
  EXPECT_THAT(
      error_of([] { io::save_weights(*small_net(1), "weights.h5"); }),
      AllOf(HasSubstr(".safetensors"), HasSubstr("weights.h5")));
  EXPECT_THAT(
      error_of([] { io::save_weights(*Sequential(), "weights.pt"); }),
      HasSubstr("neither parameters nor buffers"));
  EXPECT_THAT(
      error_of([] {
        io::save_weights(
            *small_net(1),
            "weights.pt",
            io::SaveWeightsOptions().metadata({{"a", "b"}}));
      }),
      HasSubstr("no place for metadata"));
  EXPECT_FALSE(std::filesystem::exists("weights.pt"));
}

TEST(SaveWeights, WritesMetadata) {
  const auto path = weights_path(".safetensors");
  io::save_weights(
      *small_net(1), path, io::SaveWeightsOptions().metadata({{"epoch", "7"}}));
  const io::SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("epoch"), "7");
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

// Buffers by name.
struct HolderImpl : torch::nn::Module {
  explicit HolderImpl(const Values& values) {
    for (const auto& [name, value] : values) {
      register_buffer(name, value);
    }
  }
  at::Tensor operator[](const std::string& name) const {
    return named_buffers()[name];
  }
};

TEST(LoadWeights, ChangesNothingWhereOneTensorCannotBeCopiedInto) {
  const auto path = weights_path(".pt");
  io::save_weights(
      HolderImpl({{"a", torch::ones({2})}, {"b", torch::ones({4, 3})}}), path);
  const auto refused = [&](const at::Tensor& target, const char* what) {
    HolderImpl to({{"a", torch::zeros({2})}, {"b", target}});
    EXPECT_THAT(
        error_of(
            [&] { load_weights(to, path, LoadWeightsOptions().cast(true)); }),
        AllOf(HasSubstr("the module's 'b' "), HasSubstr(what)));
    EXPECT_TRUE(torch::equal(to["a"], torch::zeros({2}))) << what;
  };
  const auto in_inference_mode = [] {
    const c10::InferenceMode inference;
    return torch::zeros({4, 3});
  };
  refused(torch::zeros({1, 3}).expand({4, 3}), "is expanded");
  refused(in_inference_mode(), "was made in inference mode");
  refused(torch::empty({4, 3}, torch::kMeta), "has no memory");
  refused(torch::zeros({4, 3}).to_sparse(), "is sparse");
  refused(
      torch::quantize_per_tensor(torch::zeros({4, 3}), 0.1, 0, torch::kQInt8),
      "quantized");
}

TEST(LoadWeights, ChangesNothingForADeviceThatIsNotThere) {
  const auto path = weights_path(".pt");
  io::save_weights(HolderImpl({{"a", torch::ones({2})}}), path);
  HolderImpl to({{"a", torch::zeros({2})}});
  EXPECT_THAT(
      error_of([&] {
        load_weights(to, path, LoadWeightsOptions().device(torch::kFPGA));
      }),
      HasSubstr("LoadWeightsOptions::device: fpga"));
  EXPECT_TRUE(torch::equal(to["a"], torch::zeros({2})));
}

TEST(LoadWeights, CastsNoComplexNumbersToRealOnes) {
  const auto path = weights_path(".pt");
  const auto complex = torch::ones({2}, torch::kComplexFloat);
  io::save_weights(HolderImpl({{"a", complex}}), path);
  HolderImpl real({{"a", torch::zeros({2})}});
  EXPECT_THAT(
      error_of(
          [&] { load_weights(real, path, LoadWeightsOptions().cast(true)); }),
      HasSubstr("'a' is Float [2] in the module and ComplexFloat [2]"));
  io::save_weights(HolderImpl({{"a", torch::ones({2})}}), path);
  HolderImpl other({{"a", torch::zeros({2}, torch::kComplexDouble)}});
  load_weights(other, path, LoadWeightsOptions().cast(true));
  EXPECT_TRUE(torch::equal(other["a"], complex.to(torch::kComplexDouble)));
}

TEST(LoadWeights, SaysWhatIsNotFiniteOnceItIsLoaded) {
  const auto path = weights_path(".pt");
  const auto nan = torch::full({2}, std::nan(""));
  io::save_weights(
      HolderImpl(
          {{"large", torch::full({2}, 1e6f)},
           {"complex", torch::complex(nan, nan)},
           {"float8", nan.to(torch::kFloat8_e5m2)}}),
      path);
  HolderImpl to(
      {{"large", torch::zeros({2}, torch::kHalf)},
       {"complex", torch::zeros({2}, torch::kComplexFloat)},
       {"float8", torch::zeros({2}).to(torch::kFloat8_e5m2)}});
  const auto loaded = load_weights(to, path, LoadWeightsOptions().cast(true));
  EXPECT_THAT(loaded.not_finite, ElementsAre("large", "complex", "float8"));
}

TEST(LoadWeights, TakesTheNamesInMetadataWhereTheModuleHasThem) {
  const auto path = weights_path(".safetensors");
  const auto weight = torch::randn({3});
  io::save_weights(
      HolderImpl({{"decoder", weight}, {"encoder", weight}}),
      path,
      io::SaveWeightsOptions().metadata({{"best", "decoder"}}));
  HolderImpl two({{"decoder", torch::zeros(3)}, {"encoder", torch::zeros(3)}});
  EXPECT_TRUE(load_weights(two, path).is_complete());
  EXPECT_TRUE(torch::equal(two["encoder"], weight));
  HolderImpl renamed({{"tied", torch::zeros({3})}});
  load_weights(
      renamed,
      path,
      LoadWeightsOptions().rename("encoder", "tied").only("tied"));
  EXPECT_TRUE(torch::equal(renamed["tied"], weight));
  HolderImpl one({{"decoder", torch::zeros({3})}}); // which misses no other
  EXPECT_TRUE(load_weights(one, path).is_complete());
}

TEST(LoadWeights, RefusesAPrefixOfNothing) {
  const auto path = weights_path(".pt");
  io::save_weights(*two_tasks(1), path);
  auto model = two_tasks(2);
  const auto options = LoadWeightsOptions().only("tasks.").only("sharin_");
  EXPECT_THAT(
      error_of([&] { load_weights(*model, path, options); }),
      HasSubstr("a name that begins with 'sharin_'"));
  const auto loaded =
      load_weights(*model, path, LoadWeightsOptions(options).strict(false));
  EXPECT_EQ(loaded.loaded.size(), 4);
}

TEST(LoadWeights, MatchesNoNamesLongerThanTheStack) {
  const auto path = weights_path(".safetensors");
  const std::string name(1000000, 'a');
  io::save_weights(HolderImpl({{name, torch::ones({2})}}), path);
  HolderImpl to({{name, torch::zeros({2})}});
  EXPECT_THAT(
      error_of([&] {
        load_weights(to, path, LoadWeightsOptions().rename_pattern("a+", "b"));
      }),
      HasSubstr("names of at most 1000 bytes, but one has 1000000"));
  EXPECT_TRUE(load_weights(to, path).is_complete());
}

TEST(LoadWeights, SaysWhyACheckpointHasNoStateDict) {
  const auto path = weights_path(".pt");
  auto net = small_net(1);
  io::save_weights(*net, path);
  const auto weights = io::read_python(path);
  const auto error = [&](const c10::impl::GenericDict& file) {
    io::write_python(path, file);
    return error_of([&] { load_weights(*net, path); });
  };
  c10::impl::GenericDict file(c10::StringType::get(), c10::AnyType::get());
  file.insert("model", weights);
  file.insert("state_dict", weights);
  EXPECT_THAT(
      error(file),
      HasSubstr("several dicts of tensors by name among its keys "
                "'model', 'state_dict'"));
  auto odd = weights.toGenericDict().copy();
  odd.insert("_extra_state", 3);
  EXPECT_THAT(error(odd), HasSubstr("in which _extra_state is Int"));
  EXPECT_EQ(file.erase("state_dict"), 1);
  file.insert_or_assign("model", odd);
  EXPECT_THAT(error(file), HasSubstr("in which _extra_state is Int"));
}

#if !defined(_WIN32)
TEST(LoadWeights, DoesNotWaitForAPipe) {
  const auto path = weights_path(".pipe");
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto net = small_net(1);
  EXPECT_THAT(
      error_of([&] { load_weights(*net, path); }),
      HasSubstr("it cannot be read"));
  std::filesystem::remove(path);
}
#endif

TEST(SaveWeights, RefusesAParameterAndABufferOfOneName) {
  struct TwiceImpl : torch::nn::Module {
    TwiceImpl() {
      register_parameter("w", torch::ones({2}));
      register_buffer("w", torch::zeros({2}));
    }
  };
  const auto path = weights_path(".pt");
  io::save_weights(HolderImpl({{"w", torch::ones({2})}}), path);
  TwiceImpl twice;
  const auto what = HasSubstr("'w' is a parameter and a buffer");
  EXPECT_THAT(error_of([&] { io::save_weights(twice, path); }), what);
  EXPECT_THAT(error_of([&] { load_weights(twice, path); }), what);
}

TEST(SaveWeights, RefusesTensorsWithoutMemory) {
  const auto freed = torch::ones({2});
  freed.storage().unsafeGetStorageImpl()->set_nbytes(0);
  for (const auto& tensor : {at::_efficientzerotensor({2}), freed}) {
    const HolderImpl holder({{"w", tensor}});
    for (const char* end : {".pt", ".safetensors"}) {
      EXPECT_THAT(
          error_of([&] { io::save_weights(holder, weights_path(end)); }),
          HasSubstr("'w'"));
    }
  }
}

TEST(LoadWeights, TakesAPartOfAFileIntoAModuleByItself) {
  const auto path = weights_path(".safetensors");
  auto model = two_tasks(1);
  io::save_weights(*model, path);
  torch::manual_seed(5);
  Sequential trunk(Linear(3, 4));
  const auto loaded =
      load_weights(*trunk, path, LoadWeightsOptions().from("sharing.trunk."));
  EXPECT_TRUE(loaded.is_complete());
  EXPECT_TRUE(torch::equal(trunk->parameters()[0], model->parameters()[0]));
  EXPECT_THAT(
      error_of([&] {
        load_weights(*trunk, path, LoadWeightsOptions().from("encoder."));
      }),
      AllOf(HasSubstr("from"), HasSubstr("'encoder.'")));
  EXPECT_THAT( // what is missing in the part is still missing
      error_of([&] {
        load_weights(*model, path, LoadWeightsOptions().from("sharing."));
      }),
      HasSubstr("missing"));
}

// A wrong hint is worse than none.
TEST(LoadWeights, HintsAtRenamesThatFitInShapeToo) {
  const auto path = weights_path(".pt");
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("stem.weight", torch::ones({8, 1, 3, 3}));
  dict.insert("block.weight", torch::ones({5, 2}));
  dict.insert("block.bias", torch::ones({5}));
  io::write_python(path, dict);
  HolderImpl net(
      {{"conv_weight", torch::ones({8, 1, 3, 3})},
       {"weight", torch::ones({5, 2})},
       {"bias", torch::ones({5})}});
  EXPECT_THAT(
      error_of([&] { load_weights(net, path); }),
      AllOf(
          HasSubstr("rename(\"block.\", \"\")"),
          HasSubstr("nothing is changed: 0 would fit")));
  HolderImpl other({{"weight", torch::ones({3})}});
  EXPECT_THAT(
      error_of([&] { load_weights(other, path); }),
      ::testing::Not(HasSubstr("rename(")));
}

TEST(LoadWeights, SaysWhichRenamesFoundNothingAndWhatOnlyLeavesOut) {
  const auto path = weights_path(".pt");
  io::save_weights(*Sequential(Linear(3, 4)), path);
  auto model = two_tasks(1);
  EXPECT_THAT(
      error_of([&] {
        load_weights(
            *model,
            path,
            LoadWeightsOptions()
                .rename("encodr.", "sharing.trunk.")
                .rename_pattern("^x", "y")
                .only("sharing."));
      }),
      AllOf(
          HasSubstr("rename looks for: 'encodr.'"),
          HasSubstr("rename looks for: '^x'"),
          HasSubstr("leaves out 2 names of the file, such as '0.weight'")));
}

TEST(LoadWeights, KnowsWhatDownloadsLeaveBehind) {
  auto net = small_net(1);
  const auto path = weights_path(".safetensors");
  std::ofstream(path) << "version https://git-lfs.github.com/spec/v1\noid 1\n";
  EXPECT_THAT(
      error_of([&] { load_weights(*net, path); }), HasSubstr("git-lfs"));
  const auto index = weights_path(".safetensors.index.json");
  std::ofstream(index) << "{}";
  EXPECT_THAT(
      error_of([&] { load_weights(*net, index); }), HasSubstr("several files"));
  EXPECT_THAT(
      error_of([&] { load_weights(*net, ::testing::TempDir()); }),
      HasSubstr("folder"));
}

TEST(SaveWeights, GivesThePartsOtherNames) {
  for (const char* end : {".pt", ".safetensors"}) {
    const auto path = weights_path(end);
    auto net = small_net(1);
    io::save_weights(
        *net, path, io::SaveWeightsOptions().rename("0.", "stem."));
    auto other = small_net(2);
    EXPECT_TRUE(
        load_weights(*other, path, LoadWeightsOptions().rename("stem.", "0."))
            .is_complete());
    EXPECT_TRUE(torch::equal(other->parameters()[0], net->parameters()[0]));
    EXPECT_THAT(
        error_of([&] {
          io::save_weights(
              *net, path, io::SaveWeightsOptions().rename("0.", "2."));
        }),
        AllOf(HasSubstr("save_weights"), HasSubstr("'2.weight'")));
  }
}

} // namespace
} // namespace polytask
