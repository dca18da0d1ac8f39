// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/engine/task_owners.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace polytask {
namespace {

using Tasks = std::vector<std::string>;

std::vector<std::pair<Tasks, int64_t>> groups_of(const TaskOwners& owners) {
  std::vector<std::pair<Tasks, int64_t>> groups;
  for (const auto& group : owners.groups()) {
    groups.emplace_back(group.tasks, group.ranks);
  }
  return groups;
}

TEST(TaskOwners, KnowTheTasksOfARank) {
  const TaskOwners owners({{{"a", "b"}, 2}, {{"c"}, 1}});
  EXPECT_EQ(owners.ranks(), 3);
  EXPECT_EQ(owners.tasks_of(1), Tasks({"a", "b"}));
  EXPECT_EQ(owners.tasks_of(2), Tasks({"c"}));
  EXPECT_EQ(owners.ranks_with(1), 2);
  EXPECT_EQ(owners.place_of(1), 1);
  EXPECT_EQ(owners.place_of(2), 0);
  EXPECT_THROW(owners.group_of(3), c10::ValueError);
  EXPECT_THROW(owners.group_of(-1), c10::ValueError);
  EXPECT_TRUE(TaskOwners().empty());
}

TEST(TaskOwners, HaveRanksInProportionToRows) {
  const auto groups = groups_of(
      TaskOwners::in_proportion({{"a", 600}, {"b", 100}, {"c", 290}}, 8));
  const decltype(groups) expected = {{{"a"}, 5}, {{"b"}, 1}, {{"c"}, 2}};
  EXPECT_EQ(groups, expected);
}

TEST(TaskOwners, HaveSeveralTasksWhereRanksAreFew) {
  const auto groups = groups_of(TaskOwners::in_proportion(
      {{"a", 50}, {"b", 100}, {"c", 40}, {"d", 30}}, 2));
  const decltype(groups) expected = {{{"b"}, 1}, {{"a", "c", "d"}, 1}};
  EXPECT_EQ(groups, expected);
}

TEST(TaskOwners, RefuseWhatIsNoSharingOut) {
  EXPECT_THROW(TaskOwners({{{"a"}, 0}}), c10::ValueError);
  EXPECT_THROW(TaskOwners({{{}, 1}}), c10::ValueError);
  EXPECT_THROW(TaskOwners({{{"a"}, 1}, {{"a"}, 1}}), c10::ValueError);
  EXPECT_THROW(TaskOwners::in_proportion({}, 2), c10::ValueError);
  EXPECT_THROW(TaskOwners::in_proportion({{"a", 0}}, 2), c10::ValueError);
  EXPECT_THROW(TaskOwners::in_proportion({{"a", 1}}, 0), c10::ValueError);
  EXPECT_THROW(
      TaskOwners::in_proportion({{"a", 1}, {"a", 1}}, 2), c10::ValueError);
}

} // namespace
} // namespace polytask
