// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/metrics/accuracy.h>
#include <polytask/task/metrics/average_precision.h>
#include <polytask/task/metrics/brier.h>
#include <polytask/task/metrics/calibration.h>
#include <polytask/task/metrics/correlation.h>
#include <polytask/task/metrics/depth.h>
#include <polytask/task/metrics/errors.h>
#include <polytask/task/metrics/f_score.h>
#include <polytask/task/metrics/function_metric.h>
#include <polytask/task/metrics/log_loss.h>
#include <polytask/task/metrics/mapped.h>
#include <polytask/task/metrics/normals.h>
#include <polytask/task/metrics/rescaled.h>
#include <polytask/task/metrics/roc_auc.h>
#include <polytask/task/metrics/segmentation.h>
#include <polytask/task/metrics/variance.h>
#include <polytask/task/task.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

at::Tensor float64s(std::initializer_list<double> values) {
  return at::tensor(values, at::kDouble);
}

at::Tensor class_indices(std::initializer_list<int64_t> values) {
  return at::tensor(values, at::kLong);
}

/// A metric with rows that it takes.
struct MetricSample {
  std::string name;
  std::shared_ptr<const Metric> metric;
  at::Tensor output;
  at::Tensor target;
  bool higher_is_better;

  at::Tensor no_target() const {
    return target.is_floating_point()
        ? at::full_like(target, NAN)
        : at::full_like(target, Labels::kIgnoreIndex);
  }
};

std::ostream& operator<<(std::ostream& stream, const MetricSample& each) {
  return stream << each.name;
}

std::vector<MetricSample> metric_samples() {
  const at::Tensor numeric = float64s({0.5, -1, 2, 3});
  const at::Tensor followed = float64s({0.25, -2, 1, 5});
  const at::Tensor binary = float64s({0, 1, 0, 1});
  const at::Tensor classes = class_indices({2, 0, 1, 1});
  const at::Tensor scores = at::randn({4, 3}, at::kDouble);
  const at::Tensor depth = float64s({1, 2, 3, 4});
  const at::Tensor normals = at::randn({4, 3, 2, 2}, at::kDouble);
  std::vector<MetricSample> all;
  const auto add = [&](auto metric,
                       const std::string& name,
                       const at::Tensor& output,
                       const at::Tensor& target,
                       bool higher_is_better) {
    all.push_back(
        {name,
         std::make_shared<const decltype(metric)>(metric),
         output,
         target,
         higher_is_better});
  };
  add(MSE(), "mse", numeric, followed, false);
  add(RMSE(), "rmse", numeric, followed, false);
  add(MAE(), "mae", numeric, followed, false);
  add(RelativeRMSE(1.0), "relative_rmse", numeric, followed, false);
  add(R2(), "r2", numeric, followed, true);
  add(ExplainedVariance(), "explained_variance", numeric, followed, true);
  add(Pearson(), "pearson", numeric, followed, true);
  add(Spearman(), "spearman", numeric, followed, true);
  add(Accuracy(), "accuracy", numeric, binary, true);
  add(Accuracy(), "accuracy", scores, classes, true);
  add(TopK(2), "top_2", scores, classes, true);
  add(BalancedAccuracy(), "balanced_accuracy", numeric, binary, true);
  add(Precision(), "precision", scores, classes, true);
  add(Recall(FScoreOptions().of_class(1)), "recall[1]", scores, classes, true);
  add(F1(FScoreOptions().average(FScoreOptions::Average::kMicro)),
      "f1_micro",
      numeric,
      binary,
      true);
  add(F1(), "f1", numeric, binary, true);
  add(ROCAUC(), "auc", numeric, binary, true);
  add(ROCAUC(), "auc", scores, classes, true);
  add(AveragePrecision(), "average_precision", numeric, binary, true);
  add(LogLoss(), "log_loss", numeric, binary, false);
  add(LogLoss(), "log_loss", scores, classes, false);
  add(Brier(), "brier", numeric, binary, false);
  add(Brier(), "brier", scores, classes, false);
  add(ExpectedCalibrationError(), "ece", numeric, binary, false);
  add(ExpectedCalibrationError(), "ece", scores, classes, false);
  add(MeanIoU(), "mean_iou", scores, classes, true);
  add(PixelAccuracy(), "pixel_accuracy", scores, classes, true);
  add(DepthAbsoluteError(), "abs_err", numeric, depth, false);
  add(DepthRelativeError(), "rel_err", numeric, depth, false);
  add(DepthDelta(2), "delta_2", numeric, depth, true);
  add(NormalAngleMean(), "angle_mean", normals, normals + 1, false);
  add(NormalAngleMedian(), "angle_median", normals, normals + 1, false);
  add(NormalAngleWithin(30), "within_30", normals, normals + 1, true);
  add(Rescaled(RMSE(), 2.0, 1.0), "rmse", numeric, followed, false);
  add(MappedOutput(RMSE(), [](const at::Tensor& each) { return each * 2; }),
      "rmse",
      numeric,
      followed,
      false);
  return all;
}

class EveryMetric : public ::testing::TestWithParam<MetricSample> {
 protected:
  double value_of(const at::Tensor& output, const at::Tensor& target) const {
    return (*GetParam().metric)(output, target);
  }
};

TEST_P(EveryMetric, HasItsNameAndDirection) {
  EXPECT_EQ(GetParam().metric->name(), GetParam().name);
  EXPECT_EQ(GetParam().metric->higher_is_better(), GetParam().higher_is_better);
}

TEST_P(EveryMetric, IsNaNWithoutALabel) {
  const at::Tensor& output = GetParam().output;
  EXPECT_TRUE(std::isnan(value_of(output, GetParam().no_target())));
  EXPECT_TRUE(std::isnan(
      value_of(output.narrow(0, 0, 0), GetParam().target.narrow(0, 0, 0))));
}

TEST_P(EveryMetric, IsNaNWhereAnOutputIs) {
  at::Tensor output = GetParam().output.clone();
  ASSERT_FALSE(std::isnan(value_of(output, GetParam().target)));
  output.view({4, -1})[1][0] = NAN;
  EXPECT_TRUE(std::isnan(value_of(output, GetParam().target)));
}

TEST_P(EveryMetric, DoesNotMindNaNWhereTheLabelIsMissing) {
  at::Tensor output = GetParam().output.clone();
  at::Tensor target = GetParam().target.clone();
  target[2].copy_(GetParam().no_target()[2]);
  const double before = value_of(output, target);
  output[2].fill_(NAN);
  const double after = value_of(output, target);
  EXPECT_EQ(after, before);
}

TEST_P(EveryMetric, RefusesATargetThatWouldBroadcast) {
  const at::Tensor target =
      GetParam().target.reshape({4, -1}).narrow(1, 0, 1).expand({4, 4});
  EXPECT_TRUE(says(
      error_of([&] { value_of(GetParam().output, target); }),
      {GetParam().name + ": expected ", "[4, 4]"}));
}

TEST_P(EveryMetric, RefusesATargetOfAnotherKind) {
  EXPECT_TRUE(says(
      error_of(
          [&] { value_of(GetParam().output, GetParam().target.to(at::kInt)); }),
      {GetParam().name + ": expected ", "Int"}));
}

TEST_P(EveryMetric, WidensHalfPrecision) {
  at::Tensor target = GetParam().target;
  const at::Tensor output = GetParam().output.to(at::kBFloat16);
  EXPECT_EQ(value_of(output, target), value_of(output.to(at::kFloat), target));
}

INSTANTIATE_TEST_SUITE_P(
    Metrics, EveryMetric, ::testing::ValuesIn(metric_samples()));

TEST(MetricShapes, OfAVectorAndAColumnMeet) {
  const at::Tensor output = float64s({1, 2, 3});
  const at::Tensor target = float64s({2, 2, 5});
  const double expected = MSE()(output, target);
  EXPECT_EQ(MSE()(output.view({3, 1}), target), expected);
  EXPECT_EQ(MSE()(output, target.view({3, 1})), expected);
  const at::Tensor scores = at::randn({3, 4});
  const at::Tensor classes = class_indices({0, 3, 1});
  EXPECT_EQ(
      Accuracy()(scores, classes.view({3, 1})), Accuracy()(scores, classes));
}

TEST(MetricShapes, ThatBroadcastAreRefused) {
  EXPECT_TRUE(says(
      error_of([] {
        RMSE()
        (at::randn({3}), at::randn({3, 3}));
      }),
      {"rmse: expected a target of the output's shape [3], but got [3, 3]"}));
}

TEST(Moments, JoinToTheLastDigitsFarFromZero) {
  const at::Tensor target = at::randn({2000}, at::kDouble) + 1e6;
  const at::Tensor output = target + 0.5 * at::randn({2000}, at::kDouble);
  const auto joined = [&](const Metric& metric) {
    std::vector<MetricState> states;
    for (int64_t begin = 0; begin < 2000; begin += 250) {
      states.push_back(metric.observe(
          output.narrow(0, begin, 250), Labels(target.narrow(0, begin, 250))));
    }
    return metric.value(metric.merge(states)).item<double>();
  };
  // By the formula, of numbers that are near 0.
  const at::Tensor centred = target - 1e6;
  const double variance =
      (centred - centred.mean()).square().sum().item<double>();
  const double r2 =
      1 - (target - output).square().sum().item<double>() / variance;
  EXPECT_NEAR(joined(R2()), r2, 1e-12);
  EXPECT_NEAR(R2()(output, target), r2, 1e-12);
  EXPECT_NEAR(joined(Pearson()), Pearson()(output - 1e6, centred), 1e-12);
}

TEST(RelativeRMSE, OfTheTrainingMeanItselfIsOne) {
  const at::Tensor target = at::randn({9, 2}, at::kDouble);
  EXPECT_NEAR(
      RelativeRMSE(0.25)(at::full({9, 2}, 0.25, at::kDouble), target),
      1,
      1e-12);
  EXPECT_TRUE(says(
      error_of([&] { RelativeRMSE(at::ones({3}))(target, target); }),
      {"relative_rmse: expected a training mean for each of the 2 columns",
       "got 3"}));
  EXPECT_TRUE(
      says(error_of([] { RelativeRMSE{NAN}; }), {"expected finite numbers"}));
}

TEST(R2, OfAConstantTargetIsOneIfPerfectElseZero) {
  const at::Tensor target = at::full({3}, 0.1, at::kDouble);
  EXPECT_EQ(R2()(target, target), 1);
  EXPECT_EQ(R2()(target + 1, target), 0);
  EXPECT_EQ(ExplainedVariance()(target + 1, target), 1);
  // Also in parts, whatever the rounding of their means.
  const MetricState one = R2().observe(target + 1, Labels(target));
  const MetricState two =
      R2().observe(at::zeros({7}), Labels(at::full({7}, 0.1, at::kDouble)));
  EXPECT_EQ(R2().value(R2().merge({one, two})).item<double>(), 0);
}

TEST(Pearson, LeavesColumnsOfAConstantTargetOut) {
  at::Tensor target = at::randn({9, 2}, at::kDouble);
  const at::Tensor output = at::randn({9, 2}, at::kDouble);
  target.select(1, 1).fill_(0.3);
  EXPECT_DOUBLE_EQ(
      Pearson()(output, target),
      Pearson()(output.select(1, 0), target.select(1, 0)));
  EXPECT_TRUE(std::isnan(Pearson()(target, output)));
}

TEST(Spearman, RefusesWeights) {
  const Labels labels = Labels(at::randn({4})).with_weights(at::ones({4}));
  EXPECT_TRUE(says(
      error_of([&] { Spearman()(at::randn({4}), labels); }),
      {"spearman: the rows have weights"}));
}

TEST(ROCAUC, CountsATieOneHalf) {
  // Pairs: 2 > 1, 2 > 2 tied, 1 = 1 tied, 1 < 2.
  EXPECT_DOUBLE_EQ(
      ROCAUC()(float64s({2, 1, 1, 2}), float64s({1, 1, 0, 0})), 0.5);
  EXPECT_DOUBLE_EQ(
      ROCAUC()(at::zeros({5}), at::tensor({0.0, 1.0, 1.0, 0.0, 1.0})), 0.5);
  // -0 is 0.
  EXPECT_DOUBLE_EQ(ROCAUC()(at::tensor({-0.0f, 0.0f}), float64s({1, 0})), 0.5);
}

// float32 on the host goes another way than float64.
TEST(ROCAUC, IsTheSameInEachPrecision) {
  const double inf = std::numeric_limits<double>::infinity();
  at::Tensor scores = at::randn({3000}).mul(100).round().div(64);
  scores[0] = inf;
  scores[1] = -inf;
  const at::Tensor target = at::rand({3000}).gt(0.7).to(at::kFloat);
  const Labels labels(target);
  const Labels weighted =
      labels.with_weights(at::randint(0, 3, {3000}).to(at::kFloat));
  for (const auto& each : {labels, weighted}) {
    EXPECT_NEAR(
        ROCAUC()(scores, each), ROCAUC()(scores.to(at::kDouble), each), 1e-13);
    EXPECT_NEAR(
        AveragePrecision()(scores, each),
        AveragePrecision()(scores.to(at::kDouble), each),
        1e-13);
  }
}

TEST(ROCAUC, IsNaNWhereAllAreOfOneClass) {
  EXPECT_TRUE(std::isnan(ROCAUC()(at::randn({4}), at::ones({4}))));
  EXPECT_TRUE(std::isnan(ROCAUC()(at::randn({4}), at::zeros({4}))));
  EXPECT_TRUE(std::isnan(AveragePrecision()(at::randn({4}), at::zeros({4}))));
  EXPECT_TRUE(
      std::isnan(ROCAUC()(at::randn({4, 3}), at::zeros({4}, at::kLong))));
  // The other column has both.
  const at::Tensor target = float64s({0, 1, 0, 0}).view({2, 2});
  EXPECT_DOUBLE_EQ(ROCAUC()(float64s({0, 2, 0, 1}).view({2, 2}), target), 1);
}

TEST(ROCAUC, JoinsRowsWithAndWithoutWeights) {
  const at::Tensor scores = at::randn({8});
  const at::Tensor target = float64s({0, 1, 0, 1, 1, 0, 1, 0});
  const ROCAUC auc;
  const MetricState state = auc.merge(
      {auc.observe(scores.narrow(0, 0, 4), Labels(target.narrow(0, 0, 4))),
       auc.observe(
           scores.narrow(0, 4, 4),
           Labels(target.narrow(0, 4, 4)).with_weights(at::ones({4})))});
  EXPECT_DOUBLE_EQ(auc.value(state).item<double>(), auc(scores, target));
}

TEST(Accuracy, TakesTheFirstOfEqualScores) {
  const at::Tensor scores = at::zeros({3, 3});
  const at::Tensor classes = class_indices({0, 1, 2});
  EXPECT_DOUBLE_EQ(Accuracy()(scores, classes), 1.0 / 3);
  EXPECT_DOUBLE_EQ(TopK(1)(scores, classes), 1.0 / 3);
  EXPECT_DOUBLE_EQ(TopK(2)(scores, classes), 2.0 / 3);
}

TEST(FScore, IsZeroWhereADenominatorIs) {
  const at::Tensor none = float64s({-1, -2});
  EXPECT_EQ(Precision()(none, float64s({1, 0})), 0);
  EXPECT_EQ(Recall()(none, float64s({0, 0})), 0);
  EXPECT_EQ(F1()(none, float64s({0, 0})), 0);
}

TEST(LogLoss, StaysFinite) {
  const auto given = ScoreOptions().probabilities(true);
  EXPECT_DOUBLE_EQ(LogLoss()(float64s({-800}), float64s({1})), 800);
  EXPECT_DOUBLE_EQ(
      LogLoss(given)(float64s({0}), float64s({1})),
      -std::log(std::numeric_limits<double>::epsilon()));
}

TEST(ExpectedCalibrationError, PutsACertaintyIntoTheLastBin) {
  const auto options =
      ExpectedCalibrationErrorOptions().bins(2).probabilities(true);
  // All in one bin: 3/4 are right, with a mean confidence of 7/8.
  EXPECT_DOUBLE_EQ(
      ExpectedCalibrationError(options)(
          float64s({1, 1, 1, 0.5}), float64s({1, 1, 0, 1})),
      0.125);
}

TEST(DepthDelta, DoesNotCountADepthBelowZero) {
  EXPECT_DOUBLE_EQ(
      DepthDelta(1)(float64s({1, -1, 0}), float64s({1, 1, 1})), 1.0 / 3);
  EXPECT_DOUBLE_EQ(
      DepthAbsoluteError()(float64s({1, NAN, 3}), float64s({2, 0, -1})), 1);
}

TEST(NormalAngles, AreExactAndOfAnyLength) {
  const at::Tensor target = float64s({1, 0, 0}).view({1, 3, 1, 1});
  const at::Tensor near = float64s({5, 5e-9, 0}).view({1, 3, 1, 1});
  EXPECT_NEAR(NormalAngleMean()(near, target), 180e-9 / M_PI, 1e-20);
  EXPECT_EQ(NormalAngleMean()(at::zeros({1, 3, 1, 1}), target), 90);
}

TEST(Rescaled, IsTheMetricInTheTargetsUnit) {
  const at::Tensor target = at::randn({5, 2}, at::kDouble);
  const at::Tensor output = at::randn({5, 2}, at::kDouble);
  const at::Tensor scale = float64s({2, 10});
  EXPECT_DOUBLE_EQ(
      Rescaled(MAE(), scale, float64s({1, 3}))(output, target),
      MAE()(output * scale, target * scale));
  EXPECT_DOUBLE_EQ(
      Rescaled(RMSE(), 3.0)(output, target), 3 * RMSE()(output, target));
  EXPECT_TRUE(says(
      error_of([&] { Rescaled(MAE(), scale, scale)(output[0], target[0]); }),
      {"mae: expected a scale for each of the 1 columns"}));
  EXPECT_TRUE(
      says(error_of([] { Rescaled(MAE(), 0.0); }), {"scales other than 0"}));
}

TEST(Rescaled, NamesItsMetricOnceInErrors) {
  EXPECT_EQ(
      error_of([] {
        Rescaled(MAE(), 2.0)(at::randn({3}), at::randn({3, 3}));
      }).find("mae: expected a target"),
      0);
}

TEST(MappedOutput, TakesTheMeanOfAGaussian) {
  const at::Tensor output = at::randn({5, 2});
  const at::Tensor target = at::randn({5, 1});
  const auto mean = [](const at::Tensor& each) { return each.narrow(1, 0, 1); };
  EXPECT_EQ(
      MappedOutput(RMSE(), mean)(output, target),
      RMSE()(output.select(1, 0), target));
  EXPECT_TRUE(says(
      error_of([&] {
        MappedOutput(RMSE(), [](const at::Tensor& each) { return each[0]; })(
            output, target);
      }),
      {"rmse: expected floating-point numbers of 5 rows", "[2]"}));
}

TEST(FunctionMetric, SeesAllWholeRowsAtOnce) {
  const FunctionMetric metric(
      "rows",
      [](const at::Tensor& output, const at::Tensor&) {
        return static_cast<double>(output.size(0));
      },
      true);
  at::Tensor target = at::randn({6, 2});
  target[1][0] = NAN;
  const at::Tensor output = at::randn({6, 2});
  const auto state = metric.merge(
      {metric.observe(output, Labels(target)),
       metric.observe(output, Labels(output))});
  EXPECT_EQ(metric.value(state).item<double>(), 11);
  EXPECT_TRUE(std::isnan(metric(output, at::full_like(target, NAN))));
  EXPECT_TRUE(says(
      error_of(
          [&] { metric(output, Labels(output).with_weights(at::ones({6}))); }),
      {"rows: the rows have weights, but the function takes none"}));
}

TEST(FunctionMetric, RefusesAVector) {
  const FunctionMetric metric(
      "errors",
      [](const auto& output, const auto& target) { return output - target; },
      false);
  EXPECT_TRUE(says(
      error_of([&] { metric(at::randn({3}), at::randn({3})); }),
      {"errors: expected a number or a tensor of one element", "[3]"}));
}

TEST(FunctionMetric, CanBeGivenToATask) {
  Task task(Network(torch::nn::Linear(2, 1)), MSELoss());
  task.metric(FunctionMetric(
      "bias",
      [](const auto& output, const auto& target) {
        return (output - target).mean();
      },
      false));
  EXPECT_EQ(task.metrics().back()->name(), "bias");
}

struct MetricMisuse {
  const char* name;
  std::function<void()> action;
  std::vector<std::string> words;
};

class MetricMisuses : public ::testing::TestWithParam<MetricMisuse> {};

TEST_P(MetricMisuses, AreNamed) {
  const std::string message = error_of(GetParam().action);
  for (const auto& words : GetParam().words) {
    EXPECT_TRUE(says(message, {words}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Metrics,
    MetricMisuses,
    ::testing::Values(
        MetricMisuse{
            "ClassOutsideOfTheScores",
            [] { Accuracy()(at::randn({2, 3}), class_indices({0, 3})); },
            {"accuracy: expected classes from 0 to 2, but found 3"}},
        MetricMisuse{
            "NumbersForClasses",
            [] { Accuracy()(at::randn({2}), float64s({0, 0.25})); },
            {"accuracy: expected labels of 0 or 1, but found 0.25"}},
        MetricMisuse{
            "ClassesForNumbers",
            [] {
              MSE()
              (at::randn({2}), class_indices({0, 1}));
            },
            {"mse: expected a target of floating-point numbers", "Long"}},
        MetricMisuse{
            "ClassesWithOneScore",
            [] {
              F1()
              (at::randn({2}), class_indices({0, 1}));
            },
            {"f1: expected scores [B, C] of two classes or more", "[2]"}},
        MetricMisuse{
            "ClassThatIsNone",
            [] {
              F1(FScoreOptions().of_class(4))
              (at::randn({2, 3}), class_indices({0, 1}));
            },
            {"f1[4]: expected class 4 among the scores, but there are 3"}},
        MetricMisuse{
            "TooFewClasses",
            [] { TopK(5)(at::randn({2, 3}), class_indices({0, 1})); },
            {"top_5: expected scores of 5 classes or more, but got 3"}},
        MetricMisuse{
            "LogitsForProbabilities",
            [] {
              Brier(ScoreOptions().probabilities(true))(
                  float64s({0.5, 1.5}), float64s({0, 1}));
            },
            {"brier: expected probabilities from 0 to 1, but found 1.5"}},
        MetricMisuse{
            "BinaryImages",
            [] {
              ROCAUC()
              (at::randn({2, 3, 4}), at::zeros({2, 3, 4}));
            },
            {"auc: expected binary labels [B] or [B, k], but got [2, 3, 4]"}},
        MetricMisuse{
            "NormalsOfTwoParts",
            [] { NormalAngleMean()(at::randn({2, 2}), at::randn({2, 2})); },
            {"angle_mean: expected", "[B, 3, H, W]", "[2, 2]"}},
        MetricMisuse{"NoK", [] { TopK(0); }, {"TopK: expected a positive k"}},
        MetricMisuse{
            "NoAngle",
            [] { NormalAngleWithin(0); },
            {"NormalAngleWithin: expected a positive angle"}},
        MetricMisuse{
            "NoBins",
            [] {
              ExpectedCalibrationError(
                  ExpectedCalibrationErrorOptions().bins(0));
            },
            {"ExpectedCalibrationError: expected a bin or more"}}),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace polytask
