// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/gradvac_rows.h>

#include <c10/util/Exception.h>

#include <polytask/balancing/make.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "core/host_value.h"
#include "core/in_double.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "row_lengths.h"

namespace polytask::balancing {

namespace {

// LibMTL's group types differ in what the blocks are; without sizes, all is one
// block.
std::unique_ptr<Balancing> gradvac_libmtl(const OptionValues& options) {
  OptionValues rows;
  OptionValues groups;
  for (const auto& [name, value] : options) {
    if (name == "GradVac_beta") {
      rows.emplace("beta", value);
    } else if (name == "parameter_sizes") {
      groups.emplace(name, value);
    } else {
      TORCH_CHECK_VALUE(
          value == 0 || value == 1 || value == 2,
          "gradvac_libmtl: expected GradVac_group_type to be 0, 1 or 2, but "
          "got ",
          value,
          ".");
    }
  }
  if (groups.empty()) {
    return make("gradvac_rows", rows);
  }
  groups.merge(rows);
  groups.insert({{"method", "gradvac_rows"}, {"keep_zeros", true}});
  return make("per_group", groups);
}

} // namespace

namespace {

double gradvac_sine(double cosine) {
  return std::sqrt(std::max(1 - cosine * cosine, 0.0));
}

} // namespace

GradVacRows::GradVacRows(GradVacRowsOptions options) : options_(options) {
  check_options();
  buffer("phi");
}

const detail::Description& GradVacRows::description() {
  using namespace detail;
  static const Description made =
      Describe<GradVacRowsOptions>("gradvac_rows", "GradVacRows")
          .option("beta", &GradVacRowsOptions::beta, from_to(0, 1), "β")
          .option(
              "eps",
              &GradVacRowsOptions::eps,
              at_least(0),
              "added to the denominators")
          .made_by(
              {"gradvac_libmtl",
               {{"GradVac_beta", "β; 0.5"},
                {"GradVac_group_type",
                 "0, 1 or 2; changes nothing: the blocks are those of "
                 "`parameter_sizes`"},
                {"parameter_sizes", "columns of each block; one block"}},
               gradvac_libmtl})
          .made_of(&GradVacRows::options_);
  return made;
}

void GradVacRows::start() {
  buffer("phi") = at::zeros({tasks(), tasks()}, at::kDouble);
}

at::Tensor GradVacRows::combine(
    const at::Tensor& jacobian, const Extras& extras) {
  const auto orders = detail::orders_of(extras, "orders", tasks(), random());
  // In double: squares of floats over- and underflow.
  const at::Tensor rows = polytask::detail::in_double(jacobian);
  const auto lengths = detail::host_values(detail::row_lengths(rows), name());
  math::Matrix averages = detail::host_matrix(buffer("phi"), name());
  const double eps = options_.eps();
  at::Tensor sum = at::zeros_like(rows[0]);
  for (int64_t i = 0; i < tasks(); ++i) {
    at::Tensor x = rows[i].clone();
    for (const int64_t j : orders[static_cast<size_t>(i)]) {
      if (j == i) {
        continue;
      }
      const double length = x.norm().item<double>();
      const double other = lengths[static_cast<size_t>(j)];
      const double cosine =
          at::dot(x, rows[j]).item<double>() / (length * other + eps);
      const double wanted = averages(i, j);
      if (cosine < wanted) {
        const double sine = gradvac_sine(wanted);
        x.add_(
            rows[j],
            length * (wanted * gradvac_sine(cosine) - cosine * sine) /
                (other * sine + eps));
      }
      averages(i, j) += options_.beta() * (cosine - wanted);
    }
    sum += x;
  }
  buffer("phi") =
      polytask::detail::host_vector(
          {averages.data(), averages.data() + tasks() * tasks()}, at::kDouble)
          .reshape({tasks(), tasks()});
  return sum.to(jacobian.options());
}

} // namespace polytask::balancing
