// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/fresh_modules.h"

#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/aitm.h>
#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/experts/stem.h>
#include <polytask/sharing/learning_to_branch.h>
#include <polytask/sharing/soft_sharing.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using torch::nn::Linear;
using torch::nn::Sequential;

// Scales by a parameter, shifts by a buffer; both from outside.
class ScaledImpl : public torch::nn::Module {
 public:
  ScaledImpl(torch::Tensor scale, torch::Tensor shift)
      : scale_(register_parameter("scale", std::move(scale))),
        shift_(register_buffer("shift", std::move(shift))) {}
  torch::Tensor forward(const torch::Tensor& input) {
    return input * scale_ + shift_;
  }

 private:
  torch::Tensor scale_;
  torch::Tensor shift_;
};
TORCH_MODULE(Scaled);

torch::Tensor new_scale() {
  return torch::ones({3}).requires_grad_(true);
}

// What a factory from [B, 3] to [B, 3] gives out again and again.
struct Fault {
  const char* name;
  const char* in_error;
  std::function<NetworkFactory()> make;
};

std::vector<Fault> faults() {
  return {
      {"Module",
       "but ",
       [] { return [one = Linear(3, 3)]() -> Network { return one; }; }},
      {"InnerModule",
       "the module '1' of ",
       [] {
         return [one = Linear(3, 3)]() -> Network {
           return Sequential(torch::nn::Tanh(), one);
         };
       }},
      {"Parameter",
       "the parameter '0.scale' of ",
       [] {
         return [one = new_scale()]() -> Network {
           return Sequential(Scaled(one, torch::zeros({3})));
         };
       }},
      {"Buffer", "the buffer 'shift' of ", [] {
         return [one = torch::zeros({3})]() -> Network {
           return Scaled(new_scale(), one);
         };
       }}};
}

struct Maker {
  const char* name;
  std::function<std::shared_ptr<Sharing>(const NetworkFactory&)> make;
  const char* second; // which has what the first has already
  const char* first;
};

ExpertLevelOptions level_by(const NetworkFactory& factory) {
  return {3, factory};
}

NetworkFactory good_factory() {
  return [] { return Linear(3, 3); };
}

std::vector<Maker> makers() {
  return {
      {"CrossStitch",
       [](const auto& made) { return CrossStitch(StageFactories{made}).ptr(); },
       "stage 0 of task 'b'",
       "stage 0 of task 'a'"},
      {"LearningToBranch",
       [](const auto& made) {
         return LearningToBranch(StageFactories{made, made}, 2).ptr();
       },
       "stage 1 of task 'a'",
       "stage 0 of task 'a'"},
      {"SoftSharing",
       [](const auto& made) { return SoftSharing(made).ptr(); },
       "the trunk of task 'b'",
       "the trunk of task 'a'"},
      {"AITM",
       [](const auto& made) { return AITM(made, AITMOptions(3)).ptr(); },
       "the bottom of task 'b'",
       "the bottom of task 'a'"},
      {"CGC",
       [](const auto& made) {
         return CGC(level_by(made).shared_experts(0)).ptr();
       },
       "expert 0 of task 'b' in level 0",
       "expert 0 of task 'a' in level 0"},
      {"MMoE",
       [](const auto& made) { return MMoE(MMoEOptions(3, made)).ptr(); },
       "shared expert 1 in level 0",
       "shared expert 0 in level 0"},
      {"DSelectK",
       [](const auto& made) {
         return DSelectK(DSelectKOptions(3, made)).ptr();
       },
       "shared expert 1 in level 0",
       "shared expert 0 in level 0"},
      {"PLE",
       [](const auto& made) {
         return PLE(PLEOptions({level_by(made), level_by(made)})).ptr();
       },
       "shared expert 0 in level 1",
       "shared expert 0 in level 0"},
      {"AdaTT",
       [](const auto& made) {
         return AdaTT(AdaTTOptions({level_by(good_factory()), level_by(made)}))
             .ptr();
       },
       "expert 0 of task 'b' in level 1",
       "expert 0 of task 'a' in level 1"},
      {"STEM",
       [](const auto& made) {
         return STEM(STEMOptions({level_by(good_factory())}).embedding(made))
             .ptr();
       },
       "the embedding of task 'a'",
       "the shared embedding"},
      {"STEM",
       [](const auto& made) {
         return STEM(STEMOptions({level_by(made)}).embedding(made)).ptr();
       },
       "the shared embedding",
       "shared expert 0 in level 0"},
  };
}

TEST(FreshModules, AreWantedOfEveryFactory) {
  for (const auto& maker : makers()) {
    for (const auto& fault : faults()) {
      const auto error = error_of([&] {
        const auto sharing = maker.make(fault.make());
        sharing->serve({"a"});
        sharing->serve({"a", "b"});
      });
      EXPECT_TRUE(says(
          error,
          {std::string(maker.name) + ": expected a new module each time",
           std::string(fault.in_error) + maker.second + " stands in " +
               maker.first + " already",
           "Preceded"}))
          << fault.name;
    }
  }
}

TEST(FreshModules, AreTakenOfEveryFactory) {
  const NetworkFactory good = [] {
    return Sequential(Linear(3, 3), Scaled(new_scale(), torch::zeros({3})));
  };
  for (const auto& maker : makers()) {
    const auto sharing = maker.make(good);
    sharing->serve({"a", "b", "c"});
    EXPECT_EQ(sharing->features(torch::randn({4, 3}), 3).size(), 3)
        << maker.name;
  }
}

// A factory that is good for so many calls.
NetworkFactory failing_after(const std::shared_ptr<int>& calls) {
  return [calls, one = Linear(3, 3)]() -> Network {
    return (*calls)-- > 0 ? Linear(3, 3) : one;
  };
}

TEST(FreshModules, LeaveTheSharingAsItWasWhereOneIsRefused) {
  for (const auto& maker : makers()) {
    const auto calls = std::make_shared<int>(1000);
    const auto sharing = maker.make(failing_after(calls));
    sharing->serve({"a", "b"});
    *calls = 0;
    sharing->serve({"a", "b"});
    const auto names = sharing->named_parameters().keys();
    const auto add = [&] { sharing->serve({"a", "b", "c", "d"}); };
    if (error_of(add).empty()) {
      continue; // it asks for nothing for a task
    }
    const auto served = sharing->tasks().size(); // one of them may be "c"
    EXPECT_LT(served, 4) << maker.name;
    if (served == 2) {
      EXPECT_EQ(sharing->named_parameters().keys(), names) << maker.name;
    }
    *calls = 1000;
    EXPECT_EQ(error_of(add), "") << maker.name;
    EXPECT_EQ(sharing->features(torch::randn({4, 3}), 4).size(), 4);
  }
}

TEST(FreshModules, AreWantedOfTheFactoriesOfACloneToo) {
  for (const auto& maker : makers()) {
    const auto calls = std::make_shared<int>(1000);
    MultiTaskModel model(maker.make(failing_after(calls)));
    model->add_task("a", Task(Linear(3, 1), MSELoss()));
    const MultiTaskModel copy = clone(model);
    *calls = 0;
    // The original has it, the copy does not.
    const auto add_two = [](MultiTaskModel to) {
      return error_of([&] {
        to->add_task("b", Task(Linear(3, 1), MSELoss()));
        to->add_task("c", Task(Linear(3, 1), MSELoss()));
      });
    };
    EXPECT_EQ(add_two(model), add_two(copy)) << maker.name;
  }
}

TEST(FreshModules, MayStandInOneNetworkTwice) {
  CrossStitch sharing(StageFactories{[]() -> Network {
    const Linear layer(3, 3);
    return Sequential(layer, torch::nn::Tanh(), layer);
  }});
  sharing->serve({"a", "b"});
  EXPECT_EQ(sharing->features(torch::randn({4, 3}), 2).size(), 2);
}

TEST(FreshModules, MayComeToStandWhereOthersWere) {
  detail::FreshModules known("Test");
  for (int i = 0; i < 200; ++i) {
    // Gone with the next one, whose memory may be the same.
    const Network network = Sequential(Linear(3, 3));
    EXPECT_EQ(error_of([&] { known.add(network, "one"); }), "");
    EXPECT_TRUE(says(
        error_of([&] { known.add(network, "another"); }),
        {"Test: expected a new module", "but another stands in one already"}));
  }
}

TEST(FreshModules, AreComparedWithThoseBesideToo) {
  detail::FreshModules known("Test");
  const Network first = Linear(3, 3), second = Linear(3, 3);
  known.add(first, "the first");
  {
    auto given_up = detail::FreshModules::beside(known);
    given_up.add(second, "the second");
    EXPECT_NE(error_of([&] { given_up.add(first, "a third"); }), "");
    EXPECT_NE(error_of([&] { given_up.add(second, "a third"); }), "");
  }
  auto made = detail::FreshModules::beside(known);
  made.add(second, "the second");
  known.take(std::move(made));
  EXPECT_TRUE(says(
      error_of([&] { known.add(second, "a third"); }),
      {"but a third stands in the second already"}));
}

} // namespace
} // namespace polytask
