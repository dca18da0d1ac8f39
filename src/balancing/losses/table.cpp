// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <polytask/balancing/losses/constant_weights.h>
#include <polytask/balancing/losses/cosmos.h>
#include <polytask/balancing/losses/dwa.h>
#include <polytask/balancing/losses/equal_weights.h>
#include <polytask/balancing/losses/famo.h>
#include <polytask/balancing/losses/geometric_mean.h>
#include <polytask/balancing/losses/imtl_l.h>
#include <polytask/balancing/losses/pbi.h>
#include <polytask/balancing/losses/random_weights.h>
#include <polytask/balancing/losses/scale_invariant.h>
#include <polytask/balancing/losses/stch.h>
#include <polytask/balancing/losses/stch_warmup.h>
#include <polytask/balancing/losses/uncertainty_weighting.h>

namespace polytask::balancing::detail {

namespace {

using MadeLoss = std::unique_ptr<Balancing>;

MadeLoss make_sum(OptionReader&) {
  return std::make_unique<EqualWeights>();
}

MadeLoss make_mean(OptionReader&) {
  return std::make_unique<EqualWeights>(EqualWeightsOptions().mean(true));
}

MadeLoss make_constant(OptionReader& options) {
  return std::make_unique<ConstantWeights>(options.required_numbers("weights"));
}

MadeLoss make_random(OptionReader&) {
  return std::make_unique<RandomWeights>();
}

MadeLoss make_geometric_mean(OptionReader&) {
  return std::make_unique<GeometricMean>();
}

MadeLoss make_scale_invariant(OptionReader& options) {
  return std::make_unique<ScaleInvariant>(ScaleInvariantOptions().weights(
      options.numbers("task_weights").value_or(std::vector<double>{})));
}

MadeLoss make_uncertainty_weighting(OptionReader& options) {
  return std::make_unique<UncertaintyWeighting>(
      UncertaintyWeightingOptions().initial(
          options.number("initial log_var", 0)));
}

MadeLoss make_uw_libmtl(OptionReader& options) {
  return std::make_unique<UncertaintyWeighting>(
      UncertaintyWeightingOptions().initial(
          options.number("initial loss_scale", -0.5)));
}

MadeLoss make_imtl_l(OptionReader& options) {
  return std::make_unique<IMTLL>(
      IMTLLOptions().initial(options.number("initial log_scale", 0)));
}

MadeLoss make_dwa(OptionReader& options) {
  return std::make_unique<DWA>(
      DWAOptions().temperature(options.number("temperature", 2)));
}

MadeLoss make_dwa_libmtl(OptionReader& options) {
  return std::make_unique<DWA>(
      DWAOptions().temperature(options.number("T", 2)));
}

MadeLoss make_famo(OptionReader& options) {
  return std::make_unique<FAMO>(
      FAMOOptions()
          .lr(options.number("lr", 0.025))
          .weight_decay(options.number("weight_decay", 1e-3))
          .min_losses(
              options.numbers("min_losses").value_or(std::vector<double>{})));
}

MadeLoss make_stch(OptionReader& options) {
  return std::make_unique<STCH>(
      STCHOptions()
          .mu(options.number("mu", 1))
          .weights(options.numbers("weights").value_or(std::vector<double>{}))
          .reference(
              options.numbers("reference").value_or(std::vector<double>{})));
}

MadeLoss make_stch_warmup(OptionReader& options) {
  return std::make_unique<STCHWarmup>(
      STCHWarmupOptions()
          .mu(options.number("mu", 1))
          .warmup_epoch(options.integer("warmup_epoch", 4)));
}

MadeLoss make_stch_libmtl(OptionReader& options) {
  return std::make_unique<STCHWarmup>(
      STCHWarmupOptions()
          .mu(options.number("STCH_mu", 1))
          .warmup_epoch(options.integer("STCH_warmup_epoch", 4)));
}

MadeLoss make_cosmos(OptionReader& options) {
  return std::make_unique<COSMOS>(
      COSMOSOptions()
          .lambda(options.number("lambda", 1))
          .weights(options.numbers("weights").value_or(std::vector<double>{})));
}

MadeLoss make_pbi(OptionReader& options) {
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
      {"sum", make_sum},
      {"mean", make_mean},
      {"constant", make_constant},
      {"random", make_random},
      {"geometric_mean", make_geometric_mean},
      {"scale_invariant", make_scale_invariant},
      {"uncertainty_weighting", make_uncertainty_weighting},
      {"imtl_l", make_imtl_l},
      {"dwa", make_dwa},
      {"famo", make_famo},
      {"stch", make_stch},
      {"stch_warmup", make_stch_warmup},
      {"cosmos", make_cosmos},
      {"pbi", make_pbi},
      // The same under the names of their papers and of other libraries, with
      // those libraries' options.
      {"ew", make_sum},
      {"rlw", make_random},
      {"gls", make_geometric_mean},
      {"uw", make_uncertainty_weighting},
      {"scale_invariant_ls", make_scale_invariant},
      {"dwa_libmtl", make_dwa_libmtl},
      {"stch_libmtl", make_stch_libmtl},
      {"uw_libmtl", make_uw_libmtl},
      {"scalarizer_constant", make_constant},
      {"scalarizer_cosmos", make_cosmos},
      {"scalarizer_dwa", make_dwa},
      {"scalarizer_famo", make_famo},
      {"scalarizer_geometric_mean", make_geometric_mean},
      {"scalarizer_imtl_l", make_imtl_l},
      {"scalarizer_mean", make_mean},
      {"scalarizer_pbi", make_pbi},
      {"scalarizer_random", make_random},
      {"scalarizer_stch", make_stch},
      {"scalarizer_sum", make_sum},
      {"scalarizer_uw", make_uncertainty_weighting},
  };
}

} // namespace polytask::balancing::detail
