// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/db_mtl.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "core/host_value.h"

#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "../task_labels.h"
#include "row_lengths.h"

namespace polytask::balancing {

DBMTL::DBMTL(DBMTLOptions options) : options_(options) {
  check_options();
  buffer("buffer");
}

const detail::Description& DBMTL::description() {
  using namespace detail;
  static const Description made =
      Describe<DBMTLOptions>("db_mtl", "DBMTL")
          .option("beta", &DBMTLOptions::beta, from_to(0, 1), "β")
          .or_by("DB_beta")
          .option("sigma", &DBMTLOptions::sigma, at_least(0), "σ")
          .or_by("DB_beta_sigma")
          .made_of(&DBMTL::options_);
  return made;
}

at::Tensor DBMTL::combine(const at::Tensor& jacobian, const Extras& extras) {
  constexpr double kTiny = 1e-8;
  auto factors = detail::need_losses(extras, tasks(), name());
  for (size_t task = 0; task < factors.size(); ++task) {
    TORCH_CHECK_VALUE(
        factors[task] >= 0 && std::isfinite(factors[task]),
        name(),
        ": expected losses from 0 on, but that of ",
        detail::task_label(task),
        " is ",
        factors[task],
        ".");
    factors[task] = 1 / (factors[task] + kTiny);
  }
  at::Tensor& average = kept_rows("buffer", jacobian);
  const auto step = count_step() + 1;

  const at::Tensor scaled = jacobian *
      polytask::detail::host_vector(factors, jacobian.options()).unsqueeze(1);
  const double beta =
      options_.beta() * std::pow(static_cast<double>(step), -options_.sigma());
  average = scaled + beta * (average - scaled);

  auto weights = detail::host_values(detail::row_lengths(average), name());
  const double longest = *std::max_element(weights.begin(), weights.end());
  for (double& weight : weights) {
    weight = longest / (weight + kTiny);
  }
  return detail::plain_weighted_sum(weights, average);
}

} // namespace polytask::balancing
