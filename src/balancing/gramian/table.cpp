// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <c10/util/Exception.h>

#include <initializer_list>
#include <utility>

#include <polytask/balancing/gramian/aligned_mtl.h>
#include <polytask/balancing/gramian/cagrad.h>
#include <polytask/balancing/gramian/cr_mogm.h>
#include <polytask/balancing/gramian/dualproj.h>
#include <polytask/balancing/gramian/fairgrad.h>
#include <polytask/balancing/gramian/gradnorm.h>
#include <polytask/balancing/gramian/gradvac.h>
#include <polytask/balancing/gramian/imtl.h>
#include <polytask/balancing/gramian/imtl_g.h>
#include <polytask/balancing/gramian/krum.h>
#include <polytask/balancing/gramian/mgda.h>
#include <polytask/balancing/gramian/modo.h>
#include <polytask/balancing/gramian/nash_mtl.h>
#include <polytask/balancing/gramian/pcd.h>
#include <polytask/balancing/gramian/pcgrad.h>
#include <polytask/balancing/gramian/sdmgrad.h>
#include <polytask/balancing/gramian/summed_representation.h>
#include <polytask/balancing/gramian/upgrad.h>
#include <polytask/balancing/make.h>

namespace polytask::balancing::detail {

namespace {

using MadeGramian = std::unique_ptr<Balancing>;

/// The value that goes by the word that was given for an option.
template <typename Value>
Value gramian_choice(
    const std::string& word,
    std::initializer_list<std::pair<const char*, Value>> choices,
    const std::string& what) {
  std::string known;
  for (const auto& [name, value] : choices) {
    if (word == name) {
      return value;
    }
    known += known.empty() ? name : std::string(", ") + name;
  }
  C10_THROW_ERROR(
      ValueError,
      c10::str(what, ": expected one of ", known, ", but got '", word, "'."));
}

std::vector<double> gramian_preference(OptionReader& options) {
  return options.numbers("pref_vector").value_or(std::vector<double>{});
}

MadeGramian gramian_pcgrad(OptionReader&) {
  return std::make_unique<PCGrad>();
}

MadeGramian gramian_pcgrad_libmtl(OptionReader&) {
  return std::make_unique<PCGrad>(PCGradOptions().own_index(true).eps(1e-8));
}

// Exact, or Frank-Wolfe where one of its options is given.
MadeGramian gramian_mgda(OptionReader& options) {
  MGDAOptions made;
  const double epsilon = options.number("epsilon", -1);
  const int64_t max_iters = options.integer("max_iters", 0);
  if (epsilon != -1) {
    made.solver(MGDAOptions::Solver::kFrankWolfe).epsilon(epsilon);
  }
  if (max_iters != 0) {
    made.solver(MGDAOptions::Solver::kFrankWolfe).max_iters(max_iters);
  }
  return std::make_unique<MGDA>(made);
}

MGDAOptions gramian_mgda_pairs(OptionReader& options) {
  using Normalization = MGDAOptions::Normalization;
  const auto normalization = gramian_choice<Normalization>(
      options.word("mgda_gn", "none"),
      {{"none", Normalization::kNone},
       {"l2", Normalization::kLength},
       {"loss", Normalization::kLoss},
       {"loss+", Normalization::kLossAndLength}},
      "mgda_gn");
  return MGDAOptions()
      .solver(MGDAOptions::Solver::kPairs)
      .normalization(normalization);
}

MadeGramian gramian_mgda_libmtl(OptionReader& options) {
  return std::make_unique<MGDA>(
      gramian_mgda_pairs(options).combine_normalized(true));
}

MadeGramian gramian_cagrad(OptionReader& options) {
  using Stationary = CAGradOptions::Stationary;
  const auto stationary = gramian_choice<Stationary>(
      options.word("stationary", "projection"),
      {{"projection", Stationary::kProjection}, {"mean", Stationary::kMean}},
      "stationary");
  return std::make_unique<CAGrad>(CAGradOptions()
                                      .c(options.number("c", 0.5))
                                      .norm_eps(options.number("norm_eps", 0))
                                      .stationary(stationary));
}

MadeGramian gramian_cagrad_libmtl(OptionReader& options) {
  const auto rescale = options.integer("rescale", 1);
  TORCH_CHECK_VALUE(
      rescale >= 0 && rescale <= 2,
      "cagrad_libmtl: expected rescale to be 0, 1 or 2, but got ",
      rescale,
      ".");
  return std::make_unique<CAGrad>(
      CAGradOptions()
          .c(options.number("calpha", 0.5))
          .rescale(static_cast<CAGradOptions::Rescale>(rescale))
          .stationary(CAGradOptions::Stationary::kMean));
}

MadeGramian gramian_cagrad_mtrl(OptionReader& options) {
  const auto iterations = options.integer("iterations", 21);
  TORCH_CHECK_VALUE(
      iterations >= 1,
      "cagrad_mtrl: expected at least 1 iteration, but got ",
      iterations,
      ".");
  return std::make_unique<CAGrad>(
      CAGradOptions()
          .c(options.number("c", 0.5))
          .rescale(CAGradOptions::Rescale::kSquare)
          .iterations(iterations)
          .lr(options.number("lr", 25))
          .momentum(options.number("momentum", 0.5)));
}

MadeGramian gramian_nash_mtl(OptionReader& options) {
  // The rounds of the other libraries' solver; this one has none. It is read
  // so that their settings can be used as they are.
  options.integer("optim_niter", 20);
  return std::make_unique<NashMTL>(
      NashMTLOptions()
          .max_norm(options.number("max_norm", 1))
          .update_weights_every(options.integer("update_weights_every", 1)));
}

MadeGramian gramian_fairgrad(OptionReader& options) {
  return std::make_unique<FairGrad>(
      FairGradOptions().alpha(options.number("alpha", 1)));
}

MadeGramian gramian_imtl_g(OptionReader&) {
  return std::make_unique<IMTLG>();
}

MadeGramian gramian_imtl(OptionReader& options) {
  return std::make_unique<IMTL>(
      IMTLOptions()
          .initial(options.number("initial loss_scale", 0))
          .loss_scale_lr(options.number("loss_scale_lr", 0.01)));
}

MadeGramian gramian_aligned_mtl(OptionReader& options) {
  using Scale = AlignedMTLOptions::Scale;
  const auto scale = gramian_choice<Scale>(
      options.word("scale_mode", "min"),
      {{"min", Scale::kSmallest},
       {"median", Scale::kMedian},
       {"rmse", Scale::kRootMeanSquare}},
      "scale_mode");
  return std::make_unique<AlignedMTL>(
      AlignedMTLOptions().scale(scale).preference(gramian_preference(options)));
}

MadeGramian gramian_aligned_mtl_libmtl(OptionReader&) {
  return std::make_unique<AlignedMTL>(AlignedMTLOptions().sum(true));
}

MadeGramian gramian_upgrad(OptionReader& options) {
  return std::make_unique<UPGrad>(UPGradOptions()
                                      .preference(gramian_preference(options))
                                      .norm_eps(options.number("norm_eps", 0))
                                      .reg_eps(options.number("reg_eps", 0)));
}

MadeGramian gramian_dualproj(OptionReader& options) {
  return std::make_unique<DualProj>(DualProjOptions()
                                        .preference(gramian_preference(options))
                                        .norm_eps(options.number("norm_eps", 0))
                                        .reg_eps(options.number("reg_eps", 0)));
}

MadeGramian gramian_gradvac(OptionReader& options) {
  return std::make_unique<GradVac>(GradVacOptions()
                                       .beta(options.number("beta", 0.5))
                                       .eps(options.number("eps", 0)));
}

MadeGramian gramian_krum(OptionReader& options) {
  return std::make_unique<Krum>(
      KrumOptions()
          .byzantine(options.integer("n_byzantine", 0))
          .selected(options.integer("n_selected", 1))
          .squared(options.flag("squared", true)));
}

MadeGramian gramian_pcd(OptionReader& options) {
  return std::make_unique<PCD>(PCDOptions()
                                   .tau(options.number_or_numbers("tau", 0.02))
                                   .beta(options.number("beta", 0.999))
                                   .eps(options.number("eps", 0)));
}

// What it does not read itself is the inner method's.
MadeGramian gramian_cr_mogm(OptionReader& options) {
  const auto made = CRMOGMOptions()
                        .alpha(options.number("alpha", 0.9))
                        .initial_weights(options.numbers("initial_weights")
                                             .value_or(std::vector<double>{}));
  const auto inner = options.word("inner", "mgda");
  return std::make_unique<CRMOGM>(make(inner, options.take_rest()), made);
}

MadeGramian gramian_modo(OptionReader& options) {
  return std::make_unique<MoDo>(MoDoOptions()
                                    .gamma(options.number("gamma", 0.1))
                                    .rho(options.number("rho", 0.1)));
}

MadeGramian gramian_sdmgrad(OptionReader& options) {
  return std::make_unique<SDMGrad>(
      SDMGradOptions()
          .lr(options.number("lr", 10))
          .momentum(options.number("momentum", 0.5))
          .iterations(options.integer("n_iter", 20))
          .lambda(options.number("lambda", 0.3))
          .preference(gramian_preference(options))
          .eps(options.number("eps", 0)));
}

MadeGramian gramian_sdmgrad_libmtl(OptionReader& options) {
  return std::make_unique<SDMGrad>(
      SDMGradOptions()
          .lr(options.number("lr", 5))
          .momentum(options.number("momentum", 0.5))
          .iterations(options.integer("SDMGrad_niter", 20))
          .lambda(options.number("SDMGrad_lamda", 0.3))
          .eps(1e-8));
}

MadeGramian gramian_gradnorm(OptionReader& options) {
  return std::make_unique<GradNorm>(
      GradNormOptions()
          .alpha(options.number("alpha", 1.5))
          .loss_scale_lr(options.number("loss_scale_lr", 0.1)));
}

MadeGramian gramian_summed_representation(OptionReader& options) {
  const auto method = options.required_word("method");
  return std::make_unique<SummedRepresentation>(
      make(method, options.take_rest()));
}

// There LibMTL combines the rows as they are.
MadeGramian gramian_representation_libmtl(OptionReader& options) {
  const auto weighting = gramian_choice<MadeGramian (*)(OptionReader&)>(
      options.word("weighting", "MGDA"),
      {{"MGDA",
        [](OptionReader& reader) -> MadeGramian {
          return std::make_unique<MGDA>(gramian_mgda_pairs(reader));
        }},
       {"IMTL", gramian_imtl},
       {"Aligned_MTL", gramian_aligned_mtl_libmtl}},
      "weighting");
  return std::make_unique<SummedRepresentation>(weighting(options));
}

} // namespace

Table gramian_methods() {
  return {
      {"pcgrad", gramian_pcgrad},
      {"mgda", gramian_mgda},
      {"cagrad", gramian_cagrad},
      {"nash_mtl", gramian_nash_mtl},
      {"fairgrad", gramian_fairgrad},
      {"imtl_g", gramian_imtl_g},
      {"imtl", gramian_imtl},
      {"aligned_mtl", gramian_aligned_mtl},
      {"upgrad", gramian_upgrad},
      {"dualproj", gramian_dualproj},
      {"gradvac", gramian_gradvac},
      {"krum", gramian_krum},
      {"pcd", gramian_pcd},
      {"cr_mogm", gramian_cr_mogm},
      {"modo", gramian_modo},
      {"sdmgrad", gramian_sdmgrad},
      {"gradnorm", gramian_gradnorm},
      {"summed_representation", gramian_summed_representation},
      // With other libraries' options and as these compute.
      {"pcgrad_libmtl", gramian_pcgrad_libmtl},
      {"mgda_libmtl", gramian_mgda_libmtl},
      {"cagrad_libmtl", gramian_cagrad_libmtl},
      {"cagrad_mtrl", gramian_cagrad_mtrl},
      {"imtl_libmtl", gramian_imtl},
      {"aligned_mtl_libmtl", gramian_aligned_mtl_libmtl},
      {"sdmgrad_libmtl", gramian_sdmgrad_libmtl},
      {"representation_libmtl", gramian_representation_libmtl},
  };
}

} // namespace polytask::balancing::detail
