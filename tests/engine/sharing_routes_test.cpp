// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/expert_models.h"
#include "tests/support/routes.h"
#include "tests/support/sharings.h"

// Every way to share, with layers that draw and that count, by the routes that
// the engine chooses and by autograd.

namespace polytask {
namespace {

using testing::RowsOf;

Batch rows_in_batch(
    const testing::SharingKind& kind, RowsOf rows, torch::Dtype dtype) {
  const auto set = testing::rows_for(kind, 9, dtype);
  std::vector<torch::Tensor> labels;
  for (const auto& [task, own] : set.targets()) {
    labels.push_back(rows == RowsOf::kMissing ? own : own.nan_to_num(0.5));
  }
  if (rows == RowsOf::kSome) {
    return Batch(set.inputs(), {{"class", labels[1]}, {"ß", labels[2]}});
  }
  if (rows == RowsOf::kEach) {
    const auto other = testing::rows_for(kind, 7, dtype);
    return Batch::per_task(
        {{"a b", set.inputs(), labels[0]},
         {"class", other.inputs(), other.targets()[0].second},
         {"ß", set.inputs(), labels[2]}});
  }
  return Batch(
      set.inputs(),
      {{"a b", labels[0]}, {"class", labels[1]}, {"ß", labels[2]}});
}

struct SharingRun {
  std::vector<torch::Tensor> values; // losses, gradients, parameters, buffers
  std::string why;
};

SharingRun sharing_run(
    const testing::SharingKind& kind,
    const std::string& method,
    RowsOf rows,
    torch::Dtype dtype,
    Route route) {
  torch::manual_seed(3);
  SharingRun run;
  auto model = testing::model_of(kind);
  model->to(dtype);
  // Adam would make a step of the noise of gradients that are 0, such as those
  // of a bias before a BatchNorm.
  const auto sgd = torch::optim::SGDOptions(0.05).momentum(0.9);
  std::unique_ptr<Training> training;
  if (method == "alternating") {
    training = std::make_unique<AlternatingTraining>(
        model, sgd, AlternatingTrainingOptions().seed(5).route(route));
  } else {
    JointTrainingOptions options;
    options.route(route);
    if (!method.empty()) {
      options.balancing(balancing::make(method));
    }
    training = std::make_unique<JointTraining>(model, sgd, options);
  }
  for (uint64_t step = 0; step < 4; ++step) {
    torch::manual_seed(100 + step);
    const auto batch = rows_in_batch(kind, rows, dtype);
    const auto report = training->step(batch);
    run.values.push_back(report.losses);
    if (report.sharing_loss.defined()) {
      run.values.push_back(report.sharing_loss);
    }
    for (const auto& parameter : model->parameters()) {
      run.values.push_back(
          parameter.grad().defined() ? parameter.grad().clone()
                                     : torch::full({1}, 7, dtype));
    }
  }
  for (const auto& tensor : testing::state_of(*model)) {
    run.values.push_back(tensor.to(dtype));
  }
  run.why = c10::str(training->route().route, ": ", training->route().reason);
  return run;
}

class SharingRoutes : public ::testing::TestWithParam<testing::SharingKind> {};

TEST_P(SharingRoutes, EqualAutograd) {
  for (const std::string method :
       {"", "alternating", "uw", "pcgrad", "upgrad"}) {
    for (const RowsOf rows : testing::all_rows_of()) {
      const bool shares_none =
          GetParam().name == "NoSharing" || GetParam().name == "PPNet";
      if ((method == "alternating" && rows == RowsOf::kSome) ||
          (shares_none && (method == "pcgrad" || method == "upgrad"))) {
        continue; // a missing task, or a method without what it weighs: refused
      }
      for (const auto dtype : {torch::kFloat, torch::kDouble}) {
        SCOPED_TRACE(c10::str("'", method, "', ", to_string(rows)));
        const auto one =
            sharing_run(GetParam(), method, rows, dtype, Route::kAuto);
        const auto other =
            sharing_run(GetParam(), method, rows, dtype, Route::kAutograd);
        const double apart =
            testing::largest_distance(one.values, other.values);
        // DSelectK's reachability divides by what is nearly 0.
        const double room = GetParam().name == "DSelectK" ? 50 : 1;
        EXPECT_LE(apart, room * testing::route_tolerance(dtype)) << one.why;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    SharingRoutes,
    ::testing::ValuesIn(testing::every_sharing()),
    testing::name_of_kind);

} // namespace
} // namespace polytask
