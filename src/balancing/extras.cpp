// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "extras.h"

#include <c10/util/Exception.h>

#include "host.h"

namespace polytask::balancing::detail {

at::Tensor find_extra(const Extras& extras, const std::string& name) {
  const auto found = extras.find(name);
  return found == extras.end() ? at::Tensor() : found->second;
}

at::Tensor need_extra(
    const Extras& extras, const std::string& name, const std::string& who) {
  at::Tensor found = find_extra(extras, name);
  TORCH_CHECK_VALUE(
      found.defined(), who, ": needs '", name, "' among the extras.");
  return found;
}

math::Vector need_losses(
    const Extras& extras, int64_t tasks, const std::string& who) {
  auto losses =
      host_values(need_extra(extras, "losses", who), who + ": losses");
  TORCH_CHECK_VALUE(
      static_cast<int64_t>(losses.size()) == tasks,
      who,
      ": expected ",
      tasks,
      " losses, but got ",
      losses.size(),
      ".");
  return losses;
}

std::vector<std::vector<int64_t>> orders_of(
    const Extras& extras,
    const std::string& name,
    int64_t tasks,
    Random& random) {
  std::vector<std::vector<int64_t>> orders(static_cast<size_t>(tasks));
  const at::Tensor given = find_extra(extras, name);
  if (!given.defined()) {
    for (auto& order : orders) {
      order = random.permutation(tasks);
    }
    return orders;
  }
  TORCH_CHECK_VALUE(
      given.dim() == 2 && given.size(0) == tasks,
      name,
      ": expected one order for each of ",
      tasks,
      " tasks, but got ",
      given.sizes(),
      ".");
  const at::Tensor here = given.to(at::kCPU).to(at::kLong).contiguous();
  const auto* values = here.const_data_ptr<int64_t>();
  for (auto& order : orders) {
    order.assign(values, values + here.size(1));
    values += here.size(1);
    for (const int64_t task : order) {
      TORCH_CHECK_VALUE(
          task >= 0 && task < tasks,
          name,
          ": expected tasks from 0 to ",
          tasks - 1,
          ", but got ",
          task,
          ".");
    }
  }
  return orders;
}

} // namespace polytask::balancing::detail
