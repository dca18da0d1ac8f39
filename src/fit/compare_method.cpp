// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/util/Exception.h>
#include <polytask/balancing/make.h>
#include <polytask/fit/compare.h>

#include <utility>

namespace polytask::fit {

CompareMethod::CompareMethod(const std::string& name)
    : CompareMethod(
          name,
          std::shared_ptr<const balancing::Balancing>(balancing::make(name))) {}

CompareMethod::CompareMethod(
    std::string name, const balancing::Balancing& method)
    : CompareMethod(
          std::move(name),
          std::shared_ptr<const balancing::Balancing>(method.clone())) {}

CompareMethod::CompareMethod(
    std::string name, std::shared_ptr<const balancing::Balancing> method)
    : name_(std::move(name)), method_(std::move(method)) {
  TORCH_CHECK_VALUE(
      !name_.empty() && method_,
      "CompareMethod: expected a name and a method, but got '",
      name_,
      "' and ",
      method_ ? "a method." : "null.");
}

std::unique_ptr<balancing::Balancing> CompareMethod::make(uint64_t seed) const {
  auto made = method_->clone();
  made->reset();
  made->seed(seed);
  return made;
}

} // namespace polytask::fit
