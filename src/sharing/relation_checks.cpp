// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/relation_checks.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <set>

namespace polytask::detail {

namespace {

class CycleSearch {
 public:
  explicit CycleSearch(const Relations& relations) : relations_(relations) {}

  void visit(const std::string& task) {
    const auto found = relations_.find(task);
    if (found == relations_.end() || done_.contains(task)) {
      return;
    }
    const auto again = std::find(path_.begin(), path_.end(), task);
    if (again != path_.end()) {
      std::string text;
      for (auto it = again; it != path_.end(); ++it) {
        text += "'" + *it + "' -> ";
      }
      TORCH_CHECK_VALUE(
          false,
          "DeepBayesianMTL: the relations have a cycle: ",
          text,
          "'",
          task,
          "'.");
    }
    path_.push_back(task);
    for (const auto& before : found->second) {
      visit(before);
    }
    path_.pop_back();
    done_.insert(task);
  }

 private:
  const Relations& relations_;
  std::vector<std::string> path_;
  std::set<std::string> done_;
};

} // namespace

void check_relations(const Relations& relations) {
  for (const auto& [task, before] : relations) {
    std::set<std::string> seen;
    for (const auto& name : before) {
      TORCH_CHECK_VALUE(
          name != task,
          "DeepBayesianMTL: task '",
          task,
          "' is related to itself.");
      TORCH_CHECK_VALUE(
          seen.insert(name).second,
          "DeepBayesianMTL: task '",
          task,
          "' is related to '",
          name,
          "' twice.");
    }
  }
  CycleSearch search(relations);
  for (const auto& entry : relations) {
    search.visit(entry.first);
  }
}

} // namespace polytask::detail
