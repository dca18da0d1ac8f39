// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "io/exported/program.h"

namespace polytask::io::detail {

/// The values of a program by their names, each of which is made once.
class ProgramValues {
 public:
  Slot new_slot(const std::string& name, ValueKind kind = ValueKind::kTensor) {
    TORCH_CHECK_VALUE(
        names_.emplace(name, names_.size()).second,
        "two values have the name '",
        name,
        "'.");
    kinds_.push_back(kind);
    return names_.size() - 1;
  }

  Slot slot_of(const std::string& name) const {
    const auto found = names_.find(name);
    TORCH_CHECK_VALUE(
        found != names_.end(),
        "uses the value '",
        name,
        "', which nothing before it makes.");
    return found->second;
  }

  Slot tensor_of(const std::string& name) const {
    const Slot slot = slot_of(name);
    TORCH_CHECK_VALUE(
        kinds_[slot] == ValueKind::kTensor,
        "the value '",
        name,
        "' is no tensor.");
    return slot;
  }

  const std::vector<ValueKind>& kinds() const { // by slot
    return kinds_;
  }
  size_t size() const {
    return kinds_.size();
  }

 private:
  std::unordered_map<std::string, Slot> names_;
  std::vector<ValueKind> kinds_;
};

} // namespace polytask::io::detail
