// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/cr_mogm.h>

#include <cmath>
#include <limits>
#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"

namespace polytask::balancing {

namespace {

struct CRMOGMSettings {
  std::shared_ptr<Balancing> method;
  double alpha = CRMOGMOptions().alpha();
  std::vector<double> initial_weights;
};

} // namespace

CRMOGM::CRMOGM(std::unique_ptr<Balancing> method, CRMOGMOptions options)
    : Described(std::move(method), "cr_mogm"), options_(std::move(options)) {
  check_options();
  buffer("weights");
}

const detail::Description& CRMOGM::description() {
  using namespace detail;
  static const Description made =
      Describe<CRMOGMSettings>("cr_mogm", "CRMOGM")
          .with_inner("inner", "mgda", &CRMOGMSettings::method, "the method")
          .option("alpha", &CRMOGMSettings::alpha, from_to(0, 1), "α")
          .option(
              "initial_weights",
              &CRMOGMSettings::initial_weights,
              at_least(0),
              "w before the first step [T]")
          .otherwise("those of the first step")
          .made_of<CRMOGM>(
              [](const CRMOGM& method) {
                return CRMOGMSettings{
                    borrowed(method.inner()),
                    method.options_.alpha(),
                    method.options_.initial_weights()};
              },
              [](CRMOGMSettings settings) {
                return std::make_unique<CRMOGM>(
                    settings.method->clone(),
                    CRMOGMOptions()
                        .alpha(settings.alpha)
                        .initial_weights(settings.initial_weights));
              });
  return made;
}

void CRMOGM::check_tasks(int64_t tasks) const {
  if (!options_.initial_weights().empty()) {
    detail::check_preference(
        options_.initial_weights(), tasks, name(), "initial weights", true);
  }
}

math::Vector CRMOGM::averaged(math::Vector weights) {
  const at::Tensor& kept = buffer("weights");
  const math::Vector initial = of_present(options_.initial_weights());
  math::Vector before(weights.size(), std::numeric_limits<double>::quiet_NaN());
  if (kept.defined()) {
    before = detail::host_values(kept, name());
  }
  for (size_t i = 0; i < before.size(); ++i) {
    if (std::isnan(before[i]) && !initial.empty()) {
      before[i] = initial[i];
    }
    if (!std::isnan(before[i])) {
      weights[i] =
          options_.alpha() * before[i] + (1 - options_.alpha()) * weights[i];
    }
  }
  buffer("weights") = polytask::detail::host_vector(weights, at::kDouble);
  return weights;
}

math::Vector CRMOGM::compute(
    const math::Matrix& gramian, const Extras& extras) {
  const at::Tensor given = detail::find_extra(extras, "inner_weights");
  if (!given.defined()) {
    return averaged(inner().solve(gramian, extras));
  }
  auto weights = detail::host_values(given, name() + ": inner_weights");
  detail::check_one_each(weights, tasks(), name(), "inner weights");
  return averaged(std::move(weights));
}

math::Vector CRMOGM::repeated() {
  return averaged(inner().repeat());
}

} // namespace polytask::balancing
