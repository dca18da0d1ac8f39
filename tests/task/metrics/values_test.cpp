// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
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
#include <polytask/task/metrics/normals.h>
#include <polytask/task/metrics/rescaled.h>
#include <polytask/task/metrics/roc_auc.h>
#include <polytask/task/metrics/segmentation.h>
#include <polytask/task/metrics/variance.h>
#include <torch/cuda.h>

#include <cctype>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/golden.h"
#include "tests/support/stand_in_device.h"

// What scikit-learn, scipy and torchmetrics say, from values.py.

namespace polytask {
namespace {

using nlohmann::json;

at::Tensor absolute_error(
    const at::Tensor& output,
    const at::Tensor& target,
    const at::Tensor& weights) {
  return (at::abs(output - target) * weights).sum() / weights.sum();
}

template <typename Kind>
std::shared_ptr<const Metric> shared_metric(Kind metric) {
  return std::make_shared<const Kind>(std::move(metric));
}

const std::map<std::string, std::shared_ptr<const Metric>>& value_metrics() {
  static const auto probabilities = ScoreOptions().probabilities(true);
  static const std::map<std::string, std::shared_ptr<const Metric>> metrics = {
      {"mse", shared_metric(MSE())},
      {"rmse", shared_metric(RMSE())},
      {"mae", shared_metric(MAE())},
      {"relative_rmse",
       shared_metric(RelativeRMSE(at::tensor({0.5, -0.25, 0.125})))},
      {"r2", shared_metric(R2())},
      {"explained_variance", shared_metric(ExplainedVariance())},
      {"pearson", shared_metric(Pearson())},
      {"spearman", shared_metric(Spearman())},
      {"accuracy", shared_metric(Accuracy())},
      {"accuracy_p", shared_metric(Accuracy(probabilities))},
      {"top_5", shared_metric(TopK(5))},
      {"balanced_accuracy", shared_metric(BalancedAccuracy())},
      {"precision", shared_metric(Precision())},
      {"recall", shared_metric(Recall())},
      {"f1", shared_metric(F1())},
      {"f1_micro",
       shared_metric(
           F1(FScoreOptions().average(FScoreOptions::Average::kMicro)))},
      {"f1[2]", shared_metric(F1(FScoreOptions().of_class(2)))},
      {"auc", shared_metric(ROCAUC())},
      {"auc_p", shared_metric(ROCAUC(probabilities))},
      {"average_precision", shared_metric(AveragePrecision())},
      {"log_loss", shared_metric(LogLoss())},
      {"log_loss_p", shared_metric(LogLoss(probabilities))},
      {"brier", shared_metric(Brier())},
      {"brier_p", shared_metric(Brier(probabilities))},
      {"ece", shared_metric(ExpectedCalibrationError())},
      {"ece_p_10",
       shared_metric(ExpectedCalibrationError(
           ExpectedCalibrationErrorOptions().bins(10).probabilities(true)))},
      {"mean_iou", shared_metric(MeanIoU())},
      {"pixel_accuracy", shared_metric(PixelAccuracy())},
      {"abs_err", shared_metric(DepthAbsoluteError())},
      {"rel_err", shared_metric(DepthRelativeError())},
      {"delta_1", shared_metric(DepthDelta(1))},
      {"angle_mean", shared_metric(NormalAngleMean())},
      {"angle_median", shared_metric(NormalAngleMedian())},
      {"within_11.25", shared_metric(NormalAngleWithin(11.25))},
      {"rescaled_mse",
       shared_metric(Rescaled(
           MSE(), at::tensor({2.0, 0.5, 3.0}), at::tensor({1.0, -1.0, 0.25})))},
      {"function_mae",
       shared_metric(FunctionMetric("function_mae", absolute_error, false))},
  };
  return metrics;
}

const json& value_file() {
  static const json file =
      testing::read_golden(
          std::string(POLYTASK_SOURCE_DIR) + "/tests/task/metrics/values.json")
          .value();
  return file;
}

/// A case of the file: where it stands there, which rows and labels count, and
/// the precision of the output.
struct ValueCase {
  size_t place;
  std::string variant;
  at::ScalarType type;

  const json& entry() const {
    return value_file()["cases"][place];
  }
};

std::ostream& operator<<(std::ostream& stream, const ValueCase& each) {
  return stream << each.entry()["metric"] << " of " << each.entry()["data"]
                << ", " << each.variant << ", " << each.type;
}

std::vector<ValueCase> value_cases() {
  std::vector<ValueCase> cases;
  const json& entries = value_file()["cases"];
  for (size_t i = 0; i < entries.size(); ++i) {
    for (const auto& [variant, value] : entries[i]["values"].items()) {
      cases.push_back({i, variant, at::kDouble});
      // Numbers about 10^6 fit no narrower type.
      if (entries[i]["data"] == "far") {
        continue;
      }
      if (variant == "plain" || variant == "both") {
        cases.push_back({i, variant, at::kFloat});
      }
      if (variant == "plain") {
        cases.push_back({i, variant, at::kHalf});
      }
    }
  }
  return cases;
}

class MetricValues : public ::testing::TestWithParam<ValueCase> {
 protected:
  void SetUp() override {
    const json& data = value_file()["data"][entry["data"].get<std::string>()];
    output = testing::golden_tensor(data["output"]).to(GetParam().type);
    const bool is_of_classes =
        data["target"].flatten().front().is_number_integer();
    target = testing::golden_tensor(data["target"]);
    if (is_of_classes) {
      target = target.to(at::kLong);
    }
    const std::string& variant = GetParam().variant;
    if (variant == "missing" || variant == "both") {
      const at::Tensor missing =
          testing::golden_tensor(data["missing"]).to(at::kBool);
      target = is_of_classes ? target.masked_fill(missing, Labels::kIgnoreIndex)
                             : target.masked_fill(missing, NAN);
    }
    if (variant == "weighted" || variant == "both") {
      weights = testing::golden_tensor(data["weights"]);
    }
  }

  Labels labels_of(const at::Tensor& rows, const at::Tensor& of_rows) const {
    const Labels labels(rows);
    return of_rows.defined() ? labels.with_weights(of_rows) : labels;
  }

  MetricState part(int64_t begin, int64_t size) const {
    return metric.observe(
        output.narrow(0, begin, size).to(device),
        labels_of(
            target.narrow(0, begin, size).to(device),
            weights.defined() ? weights.narrow(0, begin, size).to(device)
                              : weights));
  }

  /// Of parts that are so large.
  double value_of_parts(const std::vector<int64_t>& sizes) const {
    std::vector<MetricState> states;
    int64_t begin = 0;
    for (const int64_t size : sizes) {
      states.push_back(part(begin, size));
      begin += size;
    }
    EXPECT_EQ(begin, target.size(0));
    const at::Tensor value = metric.value(metric.merge(states));
    EXPECT_EQ(value.scalar_type(), at::kDouble);
    EXPECT_EQ(value.dim(), 0);
    return value.item<double>();
  }

  double allowed() const {
    // Angles are kept in the precision of the output.
    const bool is_narrow =
        metric.name() == "angle_median" && output.scalar_type() != at::kDouble;
    return std::abs(expected) * (is_narrow ? 1e-6 : 1e-12);
  }

  const json& entry = GetParam().entry();
  const Metric& metric =
      *value_metrics().at(entry["metric"].get<std::string>());
  const double expected = entry["values"][GetParam().variant].get<double>();
  at::Tensor output;
  at::Tensor target;
  at::Tensor weights;
  at::Device device{at::kCPU};
};

TEST_P(MetricValues, AreThoseOfTheReference) {
  EXPECT_NEAR(value_of_parts({target.size(0)}), expected, allowed());
}

TEST_P(MetricValues, AreTheSameInTwoHalves) {
  const int64_t half = target.size(0) / 2;
  EXPECT_NEAR(value_of_parts({half, half}), expected, allowed());
}

TEST_P(MetricValues, AreTheSameInUnevenPartsOfWhichOneIsEmpty) {
  const int64_t rest = target.size(0) - 7;
  EXPECT_NEAR(value_of_parts({1, 2, 0, rest, 1, 1, 2}), expected, allowed());
}

TEST_P(MetricValues, AreTheSameMergedStepByStep) {
  const int64_t half = target.size(0) / 2;
  MetricState all = metric.merge({part(0, 3), part(3, half - 3)});
  all = metric.merge({part(half, half), metric.merge({all})});
  EXPECT_NEAR(metric.value(all).item<double>(), expected, allowed());
}

class MetricValuesOnADevice : public MetricValues {
 protected:
  void SetUp() override {
    MetricValues::SetUp();
    device = at::Device("cuda:0");
    if (!has_double()) {
      output = output.to(at::kFloat);
      target = target.is_floating_point() ? target.to(at::kFloat) : target;
      weights = weights.defined() ? weights.to(at::kFloat) : weights;
    }
  }

  static bool has_double() {
    return !testing::StandInDevice::is_registered() ||
        testing::StandInDevice::has_float64();
  }
};

TEST_P(MetricValuesOnADevice, AreThoseOfTheReference) {
  // Functions and numbers about 10^6 are not of that precision there.
  if (!has_double() &&
      (metric.name() == "function_mae" || entry["data"] == "far")) {
    return;
  }
  EXPECT_NEAR(value_of_parts({5, target.size(0) - 5}), expected, allowed());
}

TEST_P(MetricValuesOnADevice, WaitForNothing) {
  const at::Tensor there = target.to(device);
  const Labels labels =
      labels_of(there, weights.defined() ? weights.to(device) : weights);
  const at::Tensor scores = output.to(device);
  testing::StandInDevice::take_copies_to_host();
  metric.value(metric.merge({metric.observe(scores, labels)}));
  // A function of whole rows may wait to leave others out.
  if (has_double() && metric.name() != "function_mae") {
    EXPECT_EQ(testing::StandInDevice::take_copies_to_host(), 0);
  }
}

std::string name_of_case(const ::testing::TestParamInfo<ValueCase>& each) {
  const ValueCase& of = each.param;
  std::string name = of.entry()["metric"].get<std::string>() + "_" +
      of.entry()["data"].get<std::string>() + "_" + of.variant + "_" +
      c10::toString(of.type);
  for (char& letter : name) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    letter = is_plain ? letter : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MetricValues, ::testing::ValuesIn(value_cases()), name_of_case);

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MetricValuesOnADevice);
INSTANTIATE_TEST_SUITE_P(
    Cases,
    MetricValuesOnADevice,
    ::testing::ValuesIn(
        torch::cuda::is_available() ? value_cases() : std::vector<ValueCase>()),
    name_of_case);

} // namespace
} // namespace polytask
