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
void read_single_step(OptionReader& options, const std::string& who) {
  const auto steps = options.integer("inner_step", 1);
  TORCH_CHECK_VALUE(
      steps == 1, who, ": expected an inner_step of 1, but got ", steps, ".");
}

MadeBilevel bilevel_moml(OptionReader& options) {
  read_single_step(options, "moml");
  const auto solver = options.word("solver", "exact");
  TORCH_CHECK_VALUE(
      solver == "exact" || solver == "pairs",
      "moml: expected the solver 'exact' or 'pairs', but got '",
      solver,
      "'.");
  return std::make_unique<MOML>(MOMLOptions()
                                    .outer_lr(options.number("outer_lr", 1e-3))
                                    .inner_lr(options.number("inner_lr", 0.1))
                                    .solver(
                                        solver == "exact"
                                            ? MGDAOptions::Solver::kExact
                                            : MGDAOptions::Solver::kPairs));
}

MadeBilevel bilevel_auto_lambda(OptionReader& options) {
  read_single_step(options, "auto_lambda");
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
  };
}

} // namespace polytask::balancing::detail
