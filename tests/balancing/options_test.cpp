// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <c10/util/StringUtil.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/every_k_steps.h>
#include <polytask/balancing/gramian/cagrad.h>
#include <polytask/balancing/gramian/mgda.h>
#include <polytask/balancing/gramian/nash_mtl.h>
#include <polytask/balancing/gramian/pcgrad.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/scalarization/equal_weights.h>
#include <polytask/balancing/scalarization/famo.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "balancing/methods.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

using detail::Description;
using detail::Option;

/// The description that a name belongs to, unless it has a maker of its own.
const Description* description_of(const std::string& name) {
  for (const auto* description : detail::descriptions()) {
    if (description->name == name) {
      return description;
    }
    for (const auto& alias : description->aliases) {
      if (alias.name == name) {
        return description;
      }
    }
  }
  return nullptr;
}

/// What no method of that name can be made without.
OptionValues needed_by(const std::string& name) {
  OptionValues needed;
  const auto* description = description_of(name);
  if (!description) {
    return needed;
  }
  if (description->inner) {
    needed.emplace(description->inner->option, "pcgrad");
  }
  for (const auto& option : description->options) {
    if (option.is_required && option.kind == Option::Kind::kNumbers) {
      needed.emplace(option.name, std::vector<double>{1, 2, 3});
    } else if (option.is_required) {
      needed.emplace(option.name, 2);
    }
  }
  return needed;
}

class EveryName : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryName, MakesWhatItsNameAndOptionsMakeAgain) {
  const auto method = make(GetParam(), needed_by(GetParam()));
  const auto again = make(method->name(), method->options());
  EXPECT_EQ(again->name(), method->name());
  EXPECT_EQ(again->options(), method->options());
  EXPECT_EQ(c10::str(*again), c10::str(*method));
  EXPECT_EQ(method->clone()->options(), method->options());
}

struct NumberAndWords {
  double number;
  const char* words;
};

const NumberAndWords kNumbers[] = {
    {std::numeric_limits<double>::quiet_NaN(), "NaN"},
    {std::numeric_limits<double>::infinity(), "inf"},
    {-std::numeric_limits<double>::infinity(), "-inf"},
    {-1, "-1"},
    {-1e-300, "just below 0"},
    {0, "0"},
    {0.5, "0.5"},
    {1, "1"},
    {2, "2"},
    {1e300, "1e300"}};

bool may_be(const Option& option, double number) {
  using Kind = Option::Kind;
  const bool is_whole =
      std::isfinite(number) && number == std::floor(number) && number < 1e15;
  switch (option.kind) {
    case Kind::kFlag:
      return number == 0 || number == 1;
    case Kind::kChoice:
      return is_whole && number >= 0 &&
          number < static_cast<double>(option.words.size());
    case Kind::kInteger:
    case Kind::kIntegers:
      return is_whole && option.range.holds(number);
    default:
      return option.range.holds(number);
  }
}

OptionValue value_for(const Option& option, double number) {
  const bool is_list = option.kind == Option::Kind::kNumbers ||
      option.kind == Option::Kind::kIntegers;
  return is_list ? OptionValue(std::vector<double>{number})
                 : OptionValue(number);
}

void expect_allowed(
    bool allowed, const std::string& message, const std::string& option) {
  if (allowed) {
    EXPECT_EQ(message, "");
  } else {
    EXPECT_TRUE(testing::says(message, {option}));
  }
}

TEST_P(EveryName, TakesNumbersWithinTheRangeOfEachOptionOnly) {
  const auto* description = description_of(GetParam());
  if (!description) {
    GTEST_SKIP() << "a maker of its own";
  }
  std::vector<std::pair<std::string, std::string>> takes;
  for (const auto& option : description->options) {
    takes.emplace_back(option.name, option.name);
  }
  for (const auto& alias : description->aliases) {
    if (alias.name == GetParam()) {
      takes = alias.takes;
    }
  }
  for (const auto& [given, name] : takes) {
    const auto& option = description->option(name);
    for (const auto& [number, words] : kNumbers) {
      SCOPED_TRACE(c10::str(GetParam(), ": ", given, " = ", words));
      auto options = needed_by(GetParam());
      options.insert_or_assign(given, value_for(option, number));
      expect_allowed(
          may_be(option, number),
          testing::error_of([&] { make(GetParam(), options); }),
          given);
    }
  }
}

std::vector<std::string> names_of_the_library() {
  return names();
}

std::string name_of_the_test(
    const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

INSTANTIATE_TEST_SUITE_P(
    Names,
    EveryName,
    ::testing::ValuesIn(names_of_the_library()),
    name_of_the_test);

// The same by the options structs, as C++ gives them.
TEST(Descriptions, HoldForOptionsStructsToo) {
  for (const auto* description : detail::descriptions()) {
    for (const auto& option : description->options) {
      const bool is_integer = option.kind == Option::Kind::kInteger ||
          option.kind == Option::Kind::kIntegers;
      if (option.kind == Option::Kind::kFlag ||
          option.kind == Option::Kind::kChoice) {
        continue; // their types allow no other
      }
      for (const auto& [number, words] : kNumbers) {
        if (is_integer && !(std::abs(number) <= 2 && number == int(number))) {
          continue;
        }
        SCOPED_TRACE(
            c10::str(description->name, ": ", option.name, " = ", words));
        const auto settings = description->fresh();
        if (description->inner) {
          description->inner->write(settings.get(), make("pcgrad"));
        }
        for (const auto& other : description->options) {
          if (other.is_required) {
            other.write(settings.get(), value_for(other, 1));
          }
        }
        option.write(settings.get(), value_for(option, number));
        expect_allowed(
            may_be(option, number),
            testing::error_of([&] { description->make(settings.get()); }),
            option.name);
      }
    }
  }
}

TEST(MethodOptions, AreThoseThatHold) {
  const CAGrad method(
      CAGradOptions().c(0.4).rescale(CAGradOptions::Rescale::kSquare));
  const auto options = method.options();
  EXPECT_EQ(options.at("c"), 0.4);
  EXPECT_EQ(options.at("rescale"), "square");
  EXPECT_EQ(options.at("momentum"), 0.5);
}

TEST(MethodOptions, AreTheMethodsOwnUnderAnotherLibrarysName) {
  const auto method = make("cagrad_libmtl", {{"calpha", 0.2}});
  EXPECT_EQ(method->name(), "cagrad");
  EXPECT_EQ(method->options().at("c"), 0.2);
  EXPECT_EQ(method->options().at("rescale"), "square");
}

TEST(MethodOptions, OfAMethodInsideHaveItsNameBefore) {
  const auto method = make(
      "every_k_steps",
      {{"method", "preference"},
       {"k", 3},
       {"method.method", "fairgrad"},
       {"method.method.alpha", 2},
       {"method.preferences", std::vector<double>{1, 2}}});
  EXPECT_EQ(method->options().at("method.method.alpha"), 2);
  EXPECT_EQ(
      c10::str(*method),
      "EveryKSteps(k=3, method=Preference(preferences=[1, 2], "
      "method=FairGrad(alpha=2)))");
  // CR-MOGM has an alpha of its own.
  EXPECT_EQ(
      c10::str(*make(
          "cr_mogm",
          {{"inner", "fairgrad"}, {"alpha", 0.5}, {"inner.alpha", 3}})),
      "CRMOGM(alpha=0.5, initial_weights=[], inner=FairGrad(alpha=3))");
}

TEST(MethodOptions, ArePrinted) {
  EXPECT_EQ(c10::str(PCGrad()), "PCGrad(own_index=false, eps=0)");
  EXPECT_EQ(
      c10::str(NashMTL(NashMTLOptions().max_norm(0.1))),
      "NashMTL(max_norm=0.1, update_weights_every=1)");
  EXPECT_EQ(
      c10::str(*make("excess_mtl", {{"n_warmup_steps", 2}})),
      "ExcessMTL(step_size=0.01, warmup_steps=2, sum_to_tasks=false)");
  EXPECT_EQ(
      c10::str(*make("excess_mtl")),
      "ExcessMTL(step_size=0.01, warmup_steps=none, sum_to_tasks=false)");
}

TEST(MethodOptions, AreRefusedByNameBelowWhatTheyMayBe) {
  const struct {
    const char* method;
    const char* option;
    double bad;
  } kBad[] = {
      {"famo", "lr", -1},
      {"famo", "weight_decay", -1},
      {"excess_mtl", "robust_step_size", -1},
      {"excess_mtl", "n_warmup_steps", -1},
      {"mgda", "epsilon", -1},
      {"mgda", "max_iters", 0}};
  for (const auto& [method, option, bad] : kBad) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { make(method, {{option, bad}}); }),
        {std::string(method) + ": expected " + option, "of at least"}));
  }
  EXPECT_TRUE(testing::says(
      testing::error_of([] { FAMO(FAMOOptions().lr(-1)); }),
      {"famo: expected lr of at least 0, but got -1"}));
}

TEST(MethodOptions, AreGivenOnceUnderOneOfTheirNames) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { make("krum", {{"selected", 2}, {"n_selected", 2}}); }),
      {"krum", "'selected'", "twice"}));
}

TEST(MethodOptions, ChooseByAWordOrItsPlace) {
  EXPECT_EQ(
      make("cagrad_libmtl", {{"rescale", 2}})->options().at("rescale"),
      "linear");
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("cagrad", {{"rescale", "cubic"}}); }),
      {"cagrad", "rescale", "'none', 'square', 'linear'", "cubic"}));
}

TEST(MethodOptions, OfFrankWolfeAskForIt) {
  EXPECT_EQ(
      make("mgda", {{"epsilon", 0.1}})->options().at("solver"), "frank_wolfe");
  EXPECT_EQ(
      make("mgda", {{"epsilon", 0.1}, {"solver", "exact"}})
          ->options()
          .at("solver"),
      "exact");
}

TEST(MethodOptions, ThatChangeNothingAreStillLookedAt) {
  make("nash_mtl", {{"optim_niter", 20}});
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("nash_mtl", {{"optim_niter", -1}}); }),
      {"nash_mtl", "optim_niter"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("graddrop", {{"f", "square"}}); }),
      {"graddrop", "f", "identity", "square"}));
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { make("gradvac_libmtl", {{"GradVac_group_type", 3}}); }),
      {"GradVac_group_type", "0, 1 or 2", "3"}));
}

class HalfOfTheSum : public Cloneable<HalfOfTheSum, LossBalancing> {
 public:
  explicit HalfOfTheSum(double share) : share_(share) {}
  std::string name() const override {
    return "half_of_the_sum";
  }

 protected:
  std::optional<math::Vector> fixed_weights(const Extras&) override {
    return math::Vector(static_cast<size_t>(tasks()), share_);
  }

 private:
  double share_;
};

TEST(RegisterMethod, AddsANameToThoseThatMakeKnows) {
  register_method(
      "half_of_the_sum", {"share"}, [](const OptionValues& options) {
        const auto share = options.find("share");
        return std::make_unique<HalfOfTheSum>(
            share == options.end() ? 0.5 : *share->second.number());
      });
  const auto method = make("half_of_the_sum", {{"share", 0.25}});
  EXPECT_TRUE(at::equal(
      static_cast<LossBalancing&>(*method).weights(at::ones({2})),
      0.25 * at::ones({2})));
  EXPECT_THAT(names(), ::testing::Contains("half_of_the_sum"));
  EXPECT_EQ(c10::str(*method), "half_of_the_sum()");
  EXPECT_EQ(
      make("per_group", {{"method", "half_of_the_sum"}, {"share", 1}})
          ->options()
          .at("method"),
      "half_of_the_sum");
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("half_of_the_sum", {{"part", 1}}); }),
      {"half_of_the_sum", "'part'", "'share'"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("half_of_the_som"); }),
      {"'half_of_the_sum'"}));
}

TEST(RegisterMethod, RefusesANameThatIsKnown) {
  const auto maker = [](const OptionValues&) {
    return std::make_unique<EqualWeights>();
  };
  for (const auto* name : {"cagrad", "cagrad_libmtl", "gradvac_libmtl"}) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { register_method(name, {}, maker); }),
        {name, "already"}));
  }
  EXPECT_NE(testing::error_of([&] { register_method("", {}, maker); }), "");
  EXPECT_NE(testing::error_of([&] { register_method("none", {}, {}); }), "");
  EXPECT_EQ(make("cagrad")->name(), "cagrad");
}

TEST(RegisterMethod, RefusesAMakerThatMakesNothing) {
  register_method(
      "maybe_nothing", {"nothing"}, [](const OptionValues& options) {
        return options.empty() ? std::make_unique<EqualWeights>() : nullptr;
      });
  make("maybe_nothing");
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("maybe_nothing", {{"nothing", 1}}); }),
      {"maybe_nothing"}));
}

TEST(RegisterMethod, MayBeCalledFromSeveralThreads) {
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&taken] {
      for (int i = 0; i < 50; ++i) {
        const auto message = testing::error_of([&] {
          register_method(
              "of_threads_" + std::to_string(i), {}, [](const OptionValues&) {
                return std::make_unique<EqualWeights>();
              });
        });
        taken += message.empty() ? 1 : 0;
        make("cagrad");
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(taken, 50);
}

} // namespace
} // namespace polytask::balancing
