// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/distributed/process_group.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <cstdlib>
#include <map>

#include "tests/support/errors.h"
#include "tests/support/ranks.h"
#include "tests/support/says.h"

namespace polytask::distributed {
namespace {

using testing::expect_ranks;
using ::testing::HasSubstr;
using testing::run_ranks;
using Group = std::shared_ptr<Communicator>;

TEST(ProcessGroup, SumsOfAllRanks) {
  expect_ranks(3, [](const Group& group) {
    const auto rank = static_cast<double>(group->rank());
    for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kLong}) {
      torch::Tensor tensor = torch::full({2, 3}, rank + 1, dtype);
      group->sum(tensor);
      EXPECT_TRUE(tensor.equal(torch::full({2, 3}, 6, dtype)));
    }
    torch::Tensor none = torch::zeros({0});
    group->sum(none);
  });
}

TEST(ProcessGroup, EachRankGetsItsBlockOfTheSum) {
  expect_ranks(3, [](const Group& group) {
    const torch::Tensor blocks =
        torch::arange(12, torch::kDouble).view({3, 2, 2}) *
        static_cast<double>(group->rank() + 1);
    const torch::Tensor own = group->sum_own_block(blocks);
    EXPECT_TRUE(own.equal(
        6 * torch::arange(12, torch::kDouble).view({3, 2, 2})[group->rank()]));
  });
}

TEST(ProcessGroup, GathersAndBroadcasts) {
  expect_ranks(3, [](const Group& group) {
    const torch::Tensor all = group->gather(torch::full({2}, group->rank()));
    EXPECT_TRUE(all.equal(torch::tensor({{0, 0}, {1, 1}, {2, 2}})));
    torch::Tensor value = torch::full({2}, group->rank() + 5);
    group->broadcast(value, 0);
    EXPECT_TRUE(value.equal(torch::full({2}, 5)));
    group->broadcast(value = torch::full({2}, group->rank()), 2);
    EXPECT_TRUE(value.equal(torch::full({2}, 2)));
    group->barrier();
  });
}

// Both ways to sum, with parts that are not of the same length.
TEST(ProcessGroup, SumsOfAnyLengthAreTheSameBitsEverywhere) {
  for (const int64_t ranks : {2, 3, 5}) {
    for (const int64_t length : {0, 1, 7, 4099, 50001}) {
      std::vector<torch::Tensor> sums(static_cast<size_t>(ranks));
      torch::manual_seed(7);
      const torch::Tensor all = torch::randn({ranks, length});
      expect_ranks(ranks, [&](const Group& group) {
        torch::Tensor own = all[group->rank()].clone();
        group->sum(own);
        sums[static_cast<size_t>(group->rank())] = own;
      });
      for (const auto& sum : sums) {
        EXPECT_TRUE(sum.equal(sums[0]));
        EXPECT_TRUE(sum.allclose(all.sum(0), 1e-5, 1e-5));
      }
    }
  }
}

TEST(ProcessGroup, Splits) {
  expect_ranks(4, [](const Group& group) {
    for (int time = 0; time < 2; ++time) {
      const bool is_last = group->rank() == 3;
      const Group part = group->split(is_last ? 1 : 0);
      EXPECT_EQ(part->size(), is_last ? 1 : 3);
      EXPECT_EQ(part->rank(), is_last ? 0 : group->rank());
      torch::Tensor sum = torch::full({1}, group->rank());
      part->sum(sum);
      EXPECT_EQ(sum.item<int64_t>(), 3);
    }
  });
}

TEST(ProcessGroup, RefusesWhatItCannotSend) {
  expect_ranks(1, [](const Group& group) {
    torch::Tensor transposed = torch::zeros({2, 3}).t();
    EXPECT_THROW(group->sum(transposed), c10::ValueError);
    torch::Tensor learned = torch::zeros({2}).requires_grad_();
    EXPECT_THROW(group->broadcast(learned, 0), c10::ValueError);
    EXPECT_THROW(group->sum_own_block(torch::zeros({2, 2})), c10::ValueError);
  });
}

TEST(ProcessGroup, SaysThatARankIsLost) {
  const auto errors = run_ranks(
      2,
      [](const Group& group) {
        if (group->rank() == 1) {
          return; // and its connections are closed
        }
        torch::Tensor tensor = torch::zeros({2});
        group->sum(tensor);
      },
      std::chrono::seconds(5));
  EXPECT_THAT(errors[0], HasSubstr("rank 0 of 2 lost the others in 'sum'"));
  EXPECT_EQ(errors[1], "");
}

TEST(ProcessGroup, SaysThatARankDoesNotCome) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  const auto options = ProcessGroupOptions()
                           .timeout(std::chrono::milliseconds(300))
                           .host("127.0.0.1");
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { from_store(store, 0, 2, options); }),
      {"rank 0 of 2 could not join the others"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { from_store(store, 2, 2, options); }),
      {"expected a rank from 0 to size - 1, but got 2 of 2"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { from_store({}, 0, 1, options); }),
      {"there is no store"}));
}

/// These variables of the environment, until it goes; no launcher's else.
class Variables {
 public:
  explicit Variables(const std::map<std::string, std::string>& values) {
    for (const char* name :
         {"RANK",
          "WORLD_SIZE",
          "MASTER_ADDR",
          "MASTER_PORT",
          "SLURM_PROCID",
          "SLURM_NTASKS",
          "OMPI_COMM_WORLD_RANK",
          "OMPI_COMM_WORLD_SIZE",
          "TORCHELASTIC_USE_AGENT_STORE"}) {
      const char* before = std::getenv(name);
      before_[name] = before != nullptr ? before : "";
      const auto found = values.find(name);
      set(name, found == values.end() ? "" : found->second);
    }
  }
  ~Variables() {
    for (const auto& [name, value] : before_) {
      set(name, value);
    }
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  static void set(const std::string& name, const std::string& value) {
    value.empty() ? unsetenv(name.c_str())
                  : setenv(name.c_str(), value.c_str(), 1);
  }

  std::map<std::string, std::string> before_;
};

TEST(Environment, IsOneProcessByItself) {
  for (const auto& values : std::vector<std::map<std::string, std::string>>{
           {}, {{"RANK", "0"}, {"WORLD_SIZE", "1"}}}) {
    const Variables variables(values);
    const auto group = from_environment();
    EXPECT_EQ(group->rank(), 0);
    EXPECT_EQ(group->size(), 1);
    torch::Tensor tensor = torch::ones({2});
    group->sum(tensor);
    group->broadcast(tensor, 0);
    group->barrier();
    EXPECT_TRUE(tensor.equal(torch::ones({2})));
    EXPECT_TRUE(group->gather(tensor).equal(torch::ones({1, 2})));
    EXPECT_TRUE(group->sum_own_block(torch::ones({1, 2})).equal(tensor));
  }
}

TEST(Environment, SaysWhatIsMissingOrWrong) {
  const auto refuses = [](const std::map<std::string, std::string>& values,
                          const std::string& why) {
    const Variables variables(values);
    return testing::says(testing::error_of([] { from_environment(); }), {why});
  };
  EXPECT_TRUE(refuses({{"RANK", "0"}}, "the variable WORLD_SIZE is not set"));
  EXPECT_TRUE(
      refuses({{"SLURM_NTASKS", "2"}}, "the variable SLURM_PROCID is not set"));
  EXPECT_TRUE(refuses(
      {{"RANK", "2"}, {"WORLD_SIZE", "2"}},
      "expected a number from 0 to 1 in RANK, but got '2'"));
  EXPECT_TRUE(refuses(
      {{"RANK", "one"}, {"WORLD_SIZE", "2"}}, "in RANK, but got 'one'"));
  EXPECT_TRUE(refuses(
      {{"RANK", "1"}, {"WORLD_SIZE", "2"}},
      "the variable MASTER_ADDR is not set"));
  EXPECT_TRUE(refuses(
      {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}},
      "the variable MASTER_PORT is not set"));
}

TEST(Environment, SaysThatNobodyKeepsTheStore) {
  const Variables variables(
      {{"OMPI_COMM_WORLD_RANK", "1"},
       {"OMPI_COMM_WORLD_SIZE", "2"},
       {"MASTER_ADDR", "127.0.0.1"},
       {"MASTER_PORT", "9"}});
  const std::string error = testing::error_of([] {
    from_environment(
        ProcessGroupOptions().timeout(std::chrono::milliseconds(300)));
  });
  EXPECT_TRUE(testing::says(error, {"rank 1 of 2 at 127.0.0.1:9"}));
}

} // namespace
} // namespace polytask::distributed
