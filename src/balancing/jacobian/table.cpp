// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <c10/util/Exception.h>

#include <utility>

#include <polytask/balancing/jacobian/config.h>
#include <polytask/balancing/jacobian/db_mtl.h>
#include <polytask/balancing/jacobian/excess_mtl.h>
#include <polytask/balancing/jacobian/graddrop.h>
#include <polytask/balancing/jacobian/gradvac_rows.h>
#include <polytask/balancing/jacobian/moco.h>
#include <polytask/balancing/jacobian/representation_graddrop.h>
#include <polytask/balancing/jacobian/trimmed_mean.h>
#include <polytask/balancing/per_group.h>

namespace polytask::balancing::detail {

namespace {

using MadeJacobian = std::unique_ptr<Balancing>;

MadeJacobian jacobian_config(OptionReader& options) {
  return std::make_unique<ConFIG>(ConFIGOptions().preference(
      options.numbers("pref_vector").value_or(std::vector<double>{})));
}

MadeJacobian jacobian_graddrop(OptionReader& options) {
  const auto f = options.word("f", "identity");
  TORCH_CHECK_VALUE(
      f == "identity", "graddrop: expected f = identity, but got ", f, ".");
  return std::make_unique<GradDrop>(GradDropOptions().leak(
      options.numbers("leak").value_or(std::vector<double>{})));
}

MadeJacobian jacobian_representation_graddrop(OptionReader& options) {
  return std::make_unique<RepresentationGradDrop>(
      RepresentationGradDropOptions().leak(options.number("leak", 0)));
}

MadeJacobian jacobian_trimmed_mean(OptionReader& options) {
  return std::make_unique<TrimmedMean>(
      TrimmedMeanOptions().trim(options.integer("trim_number", 1)));
}

MadeJacobian jacobian_excess_mtl(OptionReader& options) {
  ExcessMTLOptions made;
  made.step_size(options.number("robust_step_size", 0.01));
  const auto warmup = options.integer("n_warmup_steps", -1);
  if (warmup >= 0) {
    made.warmup_steps(warmup);
  }
  return std::make_unique<ExcessMTL>(made);
}

MadeJacobian jacobian_excess_mtl_libmtl(OptionReader& options) {
  return std::make_unique<ExcessMTL>(
      ExcessMTLOptions()
          .step_size(options.number("robust_step_size", 0.01))
          .sum_to_tasks(true));
}

MadeJacobian jacobian_moco(OptionReader& options) {
  return std::make_unique<MoCo>(
      MoCoOptions()
          .beta(options.number("MoCo_beta", 0.5))
          .beta_sigma(options.number("MoCo_beta_sigma", 0.5))
          .gamma(options.number("MoCo_gamma", 0.1))
          .gamma_sigma(options.number("MoCo_gamma_sigma", 0.5))
          .rho(options.number("MoCo_rho", 0)));
}

MadeJacobian jacobian_db_mtl(OptionReader& options) {
  return std::make_unique<DBMTL>(
      DBMTLOptions()
          .beta(options.number("DB_beta", 0.9))
          .sigma(options.number("DB_beta_sigma", 0)));
}

MadeJacobian jacobian_gradvac_rows(OptionReader& options) {
  return std::make_unique<GradVacRows>(GradVacRowsOptions()
                                           .beta(options.number("beta", 0.5))
                                           .eps(options.number("eps", 1e-8)));
}

// LibMTL's group types 1 and 2 differ in what the blocks are; without sizes,
// all is one block.
MadeJacobian jacobian_gradvac_libmtl(OptionReader& options) {
  options.integer("GradVac_group_type", 0);
  auto made = std::make_unique<GradVacRows>(
      GradVacRowsOptions().beta(options.number("GradVac_beta", 0.5)));
  auto sizes = options.integers("parameter_sizes");
  if (sizes.empty()) {
    return made;
  }
  auto groups = std::make_unique<PerGroup>(std::move(made), std::move(sizes));
  groups->keep_zeros();
  return groups;
}

} // namespace

Table jacobian_methods() {
  return {
      {"config", jacobian_config},
      {"graddrop", jacobian_graddrop},
      {"gradvac_rows", jacobian_gradvac_rows},
      {"representation_graddrop", jacobian_representation_graddrop},
      {"trimmed_mean", jacobian_trimmed_mean},
      {"excess_mtl", jacobian_excess_mtl},
      {"moco", jacobian_moco},
      {"db_mtl", jacobian_db_mtl},
      // LibMTL's.
      {"excess_mtl_libmtl", jacobian_excess_mtl_libmtl},
      {"graddrop_libmtl", jacobian_representation_graddrop},
      {"gradvac_libmtl", jacobian_gradvac_libmtl},
  };
}

} // namespace polytask::balancing::detail
