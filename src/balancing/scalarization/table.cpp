// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <polytask/balancing/scalarization/constant_weights.h>
#include <polytask/balancing/scalarization/cosmos.h>
#include <polytask/balancing/scalarization/dwa.h>
#include <polytask/balancing/scalarization/equal_weights.h>
#include <polytask/balancing/scalarization/famo.h>
#include <polytask/balancing/scalarization/geometric_mean.h>
#include <polytask/balancing/scalarization/imtl_l.h>
#include <polytask/balancing/scalarization/pbi.h>
#include <polytask/balancing/scalarization/random_weights.h>
#include <polytask/balancing/scalarization/scale_invariant.h>
#include <polytask/balancing/scalarization/stch.h>
#include <polytask/balancing/scalarization/stch_warmup.h>
#include <polytask/balancing/scalarization/uncertainty_weighting.h>

namespace polytask::balancing::detail {

namespace {

using MadeLoss = std::unique_ptr<Balancing>;

MadeLoss loss_sum(OptionReader&) {
  return std::make_unique<EqualWeights>();
}

MadeLoss loss_mean(OptionReader&) {
  return std::make_unique<EqualWeights>(EqualWeightsOptions().mean(true));
}

MadeLoss loss_constant(OptionReader& options) {
  return std::make_unique<ConstantWeights>(options.required_numbers("weights"));
}

MadeLoss loss_random(OptionReader&) {
  return std::make_unique<RandomWeights>();
}

MadeLoss loss_geometric_mean(OptionReader&) {
  return std::make_unique<GeometricMean>();
}

MadeLoss loss_scale_invariant(OptionReader& options) {
  return std::make_unique<ScaleInvariant>(ScaleInvariantOptions().weights(
      options.numbers("task_weights").value_or(std::vector<double>{})));
}

MadeLoss loss_uncertainty_weighting(OptionReader& options) {
  return std::make_unique<UncertaintyWeighting>(
      UncertaintyWeightingOptions().initial(
          options.number("initial log_var", 0)));
}

MadeLoss loss_uw_libmtl(OptionReader& options) {
  return std::make_unique<UncertaintyWeighting>(
      UncertaintyWeightingOptions().initial(
          options.number("initial loss_scale", -0.5)));
}

MadeLoss loss_imtl_l(OptionReader& options) {
  return std::make_unique<IMTLL>(
      IMTLLOptions().initial(options.number("initial log_scale", 0)));
}

MadeLoss loss_dwa(OptionReader& options) {
  return std::make_unique<DWA>(
      DWAOptions().temperature(options.number("temperature", 2)));
}

MadeLoss loss_dwa_libmtl(OptionReader& options) {
  return std::make_unique<DWA>(
      DWAOptions().temperature(options.number("T", 2)));
}

MadeLoss loss_famo(OptionReader& options) {
  return std::make_unique<FAMO>(
      FAMOOptions()
          .lr(options.number("lr", 0.025))
          .weight_decay(options.number("weight_decay", 1e-3))
          .min_losses(
              options.numbers("min_losses").value_or(std::vector<double>{})));
}

MadeLoss loss_stch(OptionReader& options) {
  return std::make_unique<STCH>(
      STCHOptions()
          .mu(options.number("mu", 1))
          .weights(options.numbers("weights").value_or(std::vector<double>{}))
          .reference(
              options.numbers("reference").value_or(std::vector<double>{})));
}

MadeLoss loss_stch_warmup(OptionReader& options) {
  return std::make_unique<STCHWarmup>(
      STCHWarmupOptions()
          .mu(options.number("mu", 1))
          .warmup_epoch(options.integer("warmup_epoch", 4)));
}

MadeLoss loss_stch_libmtl(OptionReader& options) {
  return std::make_unique<STCHWarmup>(
      STCHWarmupOptions()
          .mu(options.number("STCH_mu", 1))
          .warmup_epoch(options.integer("STCH_warmup_epoch", 4)));
}

MadeLoss loss_cosmos(OptionReader& options) {
  return std::make_unique<COSMOS>(
      COSMOSOptions()
          .lambda(options.number("lambda", 1))
          .weights(options.numbers("weights").value_or(std::vector<double>{})));
}

MadeLoss loss_pbi(OptionReader& options) {
  return std::make_unique<PBI>(
      PBIOptions()
          .theta(options.number("theta", 5))
          .weights(options.numbers("weights").value_or(std::vector<double>{}))
          .reference(
              options.numbers("reference").value_or(std::vector<double>{})));
}

} // namespace

Table loss_methods() {
  return {
      {"sum", loss_sum},
      {"mean", loss_mean},
      {"constant", loss_constant},
      {"random", loss_random},
      {"geometric_mean", loss_geometric_mean},
      {"scale_invariant", loss_scale_invariant},
      {"uncertainty_weighting", loss_uncertainty_weighting},
      {"imtl_l", loss_imtl_l},
      {"dwa", loss_dwa},
      {"famo", loss_famo},
      {"stch", loss_stch},
      {"stch_warmup", loss_stch_warmup},
      {"cosmos", loss_cosmos},
      {"pbi", loss_pbi},
      // The same under the names of their papers and of other libraries, with
      // those libraries' options.
      {"ew", loss_sum},
      {"rlw", loss_random},
      {"gls", loss_geometric_mean},
      {"uw", loss_uncertainty_weighting},
      {"scale_invariant_ls", loss_scale_invariant},
      {"dwa_libmtl", loss_dwa_libmtl},
      {"stch_libmtl", loss_stch_libmtl},
      {"uw_libmtl", loss_uw_libmtl},
      {"scalarizer_constant", loss_constant},
      {"scalarizer_cosmos", loss_cosmos},
      {"scalarizer_dwa", loss_dwa},
      {"scalarizer_famo", loss_famo},
      {"scalarizer_geometric_mean", loss_geometric_mean},
      {"scalarizer_imtl_l", loss_imtl_l},
      {"scalarizer_mean", loss_mean},
      {"scalarizer_pbi", loss_pbi},
      {"scalarizer_random", loss_random},
      {"scalarizer_stch", loss_stch},
      {"scalarizer_sum", loss_sum},
      {"scalarizer_uw", loss_uncertainty_weighting},
  };
}

} // namespace polytask::balancing::detail
