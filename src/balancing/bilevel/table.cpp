// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

#include <c10/util/Exception.h>

#include <polytask/balancing/bilevel/auto_lambda.h>
#include <polytask/balancing/bilevel/forum.h>
#include <polytask/balancing/bilevel/moml.h>

namespace polytask::balancing::detail {

namespace {

using MadeBilevel = std::unique_ptr<Balancing>;

// With more, second derivatives would be needed.
void bilevel_single_step(OptionReader& options) {
  const auto steps = options.integer("inner_step", 1);
  TORCH_CHECK_VALUE(
      steps == 1,
      "moml, auto_lambda: expected an inner_step of 1, but got ",
      steps,
      ".");
}

MOMLOptions bilevel_moml_options(OptionReader& options) {
  bilevel_single_step(options);
  return MOMLOptions()
      .outer_lr(options.number("outer_lr", 1e-3))
      .inner_lr(options.number("inner_lr", 0.1));
}

MadeBilevel bilevel_moml(OptionReader& options) {
  return std::make_unique<MOML>(bilevel_moml_options(options));
}

MadeBilevel bilevel_moml_libmtl(OptionReader& options) {
  return std::make_unique<MOML>(
      bilevel_moml_options(options).solver(MGDAOptions::Solver::kPairs));
}

MadeBilevel bilevel_auto_lambda(OptionReader& options) {
  bilevel_single_step(options);
  AutoLambdaOptions made;
  made.outer_lr(options.number("outer_lr", 1e-3));
  // Not a rate that anybody gives.
  const double rate = options.number("model_lr", 0);
  if (rate != 0) {
    made.model_lr(rate);
  }
  return std::make_unique<AutoLambda>(made);
}

MadeBilevel bilevel_forum(OptionReader& options) {
  return std::make_unique<FORUM>(
      FORUMOptions()
          .outer_lr(options.number("outer_lr", 1e-3))
          .inner_lr(options.number("inner_lr", 0.1))
          .inner_step(options.integer("inner_step", 5))
          .phi(options.number("FORUM_phi", 0.1)));
}

} // namespace

Table bilevel_methods() {
  return {
      {"moml", bilevel_moml},
      {"auto_lambda", bilevel_auto_lambda},
      {"forum", bilevel_forum},
      // With LibMTL's solver.
      {"moml_libmtl", bilevel_moml_libmtl},
  };
}

} // namespace polytask::balancing::detail
