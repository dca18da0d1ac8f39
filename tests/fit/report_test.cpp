// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/report.h>

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "fit/report/axis.h"
#include "fit/report/curves.h"
#include "fit/report/markup.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using fit::History;
using fit::HistoryRecord;
using fit::Report;
using fit::report_page;
using fit::detail::ReportCurve;
using fit::detail::ValueAxis;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Epochs of ten steps each; each value falls, and each auc rises.
History falling(const std::vector<std::string>& tasks, int64_t epochs) {
  History history;
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    const double value = 1 / static_cast<double>(epoch);
    HistoryRecord train{epoch, 10 * epoch, 0.5 / value, "train", {}};
    HistoryRecord valid = train;
    valid.split = "validation";
    for (const auto& task : tasks) {
      train.values.emplace_back(task + "/loss", value);
      train.values.emplace_back(task + "/weight", 1 + value);
      valid.values.emplace_back(task + "/loss", 2 * value);
      valid.values.emplace_back(task + "/auc", 1 - value);
      valid.values.emplace_back(task + "/rmse", value * value);
    }
    train.values.emplace_back("mean/loss", value);
    train.values.emplace_back("learning_rate", value);
    valid.values.emplace_back("mean/loss", 2 * value);
    history.add(train);
    history.add(valid);
  }
  return history;
}

Report report_of(
    const History& history, const std::vector<std::string>& tasks) {
  Report report;
  report.history = &history;
  report.tasks = tasks;
  report.higher_is_better["auc"] = true;
  return report;
}

// Every element is closed where it must be, attributes are quoted, and every
// "&" begins an entity; what is left says where it is not so.
std::string markup_error(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = page.find('>') + 1; at < page.size(); ++at) {
    if (page[at] == '&') {
      const size_t end = page.find(';', at);
      if (end == std::string::npos || end - at > 7) {
        return "a bare & at " + page.substr(at, 40);
      }
    }
    if (page[at] != '<') {
      continue;
    }
    const bool closes = page[at + 1] == '/';
    const size_t start = at + (closes ? 2 : 1);
    size_t end = start;
    bool quoted = false;
    for (; end < page.size() && (quoted || page[end] != '>'); ++end) {
      quoted = page[end] == '"' ? !quoted : quoted;
      if (page[end] == '<') {
        return "a bare < at " + page.substr(at, 40);
      }
    }
    const std::string name =
        page.substr(start, page.find_first_of(" >/", start) - start);
    if (closes) {
      if (open.empty() || open.back() != name) {
        return "a wrong </" + name + "> at " + page.substr(at, 40);
      }
      open.pop_back();
    } else if (page[end - 1] != '/') {
      open.push_back(name);
    }
    if (name == "style" && !closes) {
      end = page.find("</style", end) - 1; // no markup
    }
    at = end;
  }
  return open.empty() ? "" : "an open <" + open.back() + ">";
}

size_t count_of_text(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

TEST(Report, ShowsTheTasksTheirCurvesAndTheirBestValues) {
  History history = falling({"a", "b"}, 4);
  history.stop_reason("all epochs");
  const std::string page = report_page(report_of(history, {"a", "b"}));
  EXPECT_EQ(markup_error(page), "");
  EXPECT_THAT(page, HasSubstr("Ended: all epochs."));
  // Loss of the mean; loss, auc and rmse of both; weights, rate and seconds.
  EXPECT_EQ(count_of_text(page, "<svg "), 1 + 2 * 3 + 3);
  EXPECT_THAT(page, HasSubstr("0.5000 <small>at 4</small>")); // loss
  EXPECT_THAT(page, HasSubstr("0.7500 <small>at 4</small>")); // auc
  EXPECT_THAT(page, HasSubstr("best validation: 0.7500 (epoch 4, step 40)"));
  EXPECT_THAT(
      page, HasSubstr("epoch 2, step 20\ntrain: 0.5000\nvalidation: 1.000"));
}

TEST(Report, NeedsNothingFromElsewhere) {
  const History history = falling({"a"}, 3);
  const std::string page = report_page(report_of(history, {"a"}));
  for (const char* part : {"http", "<script", "<link", "url(", "src="}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
}

TEST(Report, EscapesWhateverItIsGiven) {
  const std::string evil = "<script>&\"'</script>\x1b\xff";
  History history = falling({evil}, 3);
  history.stop_reason(evil);
  Report report = report_of(history, {evil});
  report.title = evil;
  report.facts = {{evil, evil}, {"lines", "one\ntwo"}};
  report.baselines = {{evil, evil, 1, 2, true}};
  report.tables = {{evil, evil, {evil, evil}, {{evil, evil}}}};
  report.cosines = torch::ones({1, 1}, at::kDouble);
  const std::string page = report_page(report);
  EXPECT_EQ(markup_error(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;&amp;&quot;&#39;"));
  EXPECT_THAT(page, HasSubstr("<dd>one\ntwo</dd>"));
}

TEST(Report, TellsDeltaMOverTasks) {
  const History history = falling({"a", "b"}, 2);
  Report report = report_of(history, {"a", "b"});
  report.baselines = {
      {"a", "auc", 0.5, 0.6, true}, // +20 %
      {"a", "loss", 1, 1.1, false}, // -10 %
      {"b", "loss", 2, 1, false}};  // +50 %
  const std::string page = report_page(report);
  EXPECT_THAT(
      page,
      AllOf(
          HasSubstr("+20.00 %"), HasSubstr("-10.00 %"), HasSubstr("+50.00 %")));
  EXPECT_THAT(page, HasSubstr("<b>+27.50 %</b>")); // (5 + 50) / 2
}

TEST(Report, ShowsWhoIsInConflict) {
  const History history = falling({"a", "b"}, 2);
  Report report = report_of(history, {"a", "b"});
  report.cosines = torch::tensor({{1.0, -0.25}, {-0.25, 1.0}}, at::kDouble);
  report.conflict_rates =
      torch::tensor({{0.0, 0.75}, {0.75, 0.0}}, at::kDouble);
  const std::string page = report_page(report);
  EXPECT_EQ(markup_error(page), "");
  EXPECT_THAT(page, HasSubstr("a, b: -0.25; in conflict in 75 % of the steps"));
  EXPECT_THAT(page, HasSubstr("The most opposed pairs"));
}

TEST(Report, RefusesMatricesOfAnotherSizeAndNoHistory) {
  const History history = falling({"a", "b"}, 2);
  Report report = report_of(history, {"a", "b"});
  report.cosines = torch::ones({3, 3}, at::kDouble);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { report_page(report); }),
      {"Report: expected cosines", "[2, 2]", "[3, 3]"}));
  report.history = nullptr;
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { report_page(report); }), {"a history"}));
}

TEST(Report, IsAPageWithoutAnythingSeen) {
  const History history;
  const std::string page = report_page(report_of(history, {}));
  EXPECT_EQ(markup_error(page), "");
  EXPECT_THAT(page, HasSubstr("Nothing was seen yet."));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
}

TEST(Report, ShowsOneEpochAndValuesThatAreNoNumbers) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  constexpr double kEndless = std::numeric_limits<double>::infinity();
  History history;
  history.add(
      {1, 5, 1, "validation", {{"a/loss", 1}, {"a/auc", kNone}, {"a/x", 1}}});
  EXPECT_EQ(markup_error(report_page(report_of(history, {"a"}))), "");
  history.add(
      {2, 10, 2, "validation", {{"a/loss", kEndless}, {"a/auc", kNone}}});
  history.add({3, 15, 3, "validation", {{"a/loss", -1e300}, {"b/y", 1}}});
  const std::string page = report_page(report_of(history, {"a"}));
  EXPECT_EQ(markup_error(page), "");
  EXPECT_THAT(page, HasSubstr("auc: no finite value"));
  EXPECT_THAT(page, HasSubstr("loss, 1 not finite"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("\"inf")));
}

TEST(Report, StaysSmallForManyTasksAndEpochs) {
  std::vector<std::string> tasks;
  for (int i = 0; i < 139; ++i) {
    tasks.push_back("assay_" + std::to_string(i) + "_of_a_long_name");
  }
  const History history = falling(tasks, 1000);
  Report report = report_of(history, tasks);
  const auto vectors = torch::randn({139, 10}, at::kDouble);
  report.cosines = vectors.mm(vectors.t()) / 10;
  report.conflict_rates = report.cosines.lt(0).to(at::kDouble);
  const std::string page = report_page(report);
  EXPECT_EQ(markup_error(page), "");
  EXPECT_LT(page.size(), 5e6);
  EXPECT_EQ(count_of_text(page, "<svg "), 1 + 139 * 4 + 2 + 1);
}

TEST(Report, IsWrittenWhole) {
  const std::string path = ::testing::TempDir() + "polytask_report.html";
  const History history = falling({"a"}, 2);
  const Report report = report_of(history, {"a"});
  write_report(path, report);
  std::ifstream stream(path, std::ios::binary);
  const std::string written{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(written, report_page(report));
  std::filesystem::remove(path);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { write_report(path + "/absent/a", report); }),
      {"Report: cannot write", "absent"}));
}

TEST(ReportCurves, AreThinnedToTheirLeastAndGreatestValues) {
  ReportCurve curve{"train", "a/loss", {}, {}};
  for (uint32_t i = 0; i < 10000; ++i) {
    curve.records.push_back(i);
    curve.values.push_back(std::sin(0.01 * i));
  }
  curve.values[1234] = 50;
  curve.values[4321] = -50;
  curve.values[7777] = std::nan("");
  const auto places = fit::detail::thinned(curve, 100);
  EXPECT_LE(places.size(), 103);
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  EXPECT_EQ(places.front(), 0);
  EXPECT_EQ(places.back(), 9999);
  for (const size_t place : {1234, 4321, 7777}) {
    EXPECT_THAT(places, ::testing::Contains(place));
  }
}

TEST(ReportCurves, FollowTheirNamesWhereverTheyStandInARecord) {
  History history;
  history.add({1, 1, 0, "train", {{"a/loss", 1}, {"b/loss", 2}}});
  history.add({1, 1, 0, "validation", {{"b/loss", 3}}});
  history.add({2, 2, 0, "train", {{"b/loss", 4}, {"a/loss", 5}}});
  history.add({3, 3, 0, "train", {{"c/loss", 6}, {"b/loss", 7}}});
  const auto curves = fit::detail::curves_of(history);
  ASSERT_EQ(curves.size(), 4);
  EXPECT_THAT(curves[0].values, ElementsAre(1, 5));
  EXPECT_THAT(curves[1].values, ElementsAre(2, 4, 7));
  EXPECT_THAT(curves[1].records, ElementsAre(0, 2, 3));
  EXPECT_THAT(curves[2].values, ElementsAre(3));
  EXPECT_THAT(curves[3].values, ElementsAre(6));
}

std::vector<std::string> labels_of(
    const std::vector<fit::detail::AxisTick>& ticks) {
  std::vector<std::string> labels;
  for (const auto& tick : ticks) {
    labels.push_back(tick.label);
  }
  return labels;
}

TEST(ValueAxis, IsLogarithmicWhereTheRangeAsksForIt) {
  const auto wide = ValueAxis::of(1e-6, 1e-3);
  EXPECT_TRUE(wide.is_logarithmic());
  EXPECT_THAT(
      labels_of(wide.ticks()), ElementsAre("1e-6", "1e-5", "0.0001", "0.001"));
  EXPECT_NEAR(wide.part(std::sqrt(1e-9)), 0.5, 1e-12);
  EXPECT_FALSE(ValueAxis::of(0, 1000).is_logarithmic());
  const auto narrow = ValueAxis::of(0.1, 0.9);
  EXPECT_FALSE(narrow.is_logarithmic());
  EXPECT_THAT(
      labels_of(narrow.ticks()), ElementsAre("0.2", "0.4", "0.6", "0.8"));
}

TEST(ValueAxis, HasRoomAroundOneValue) {
  for (const double value : {0.0, 1.0, -3e-9, 1e300}) {
    const auto axis = ValueAxis::of(value, value);
    EXPECT_NEAR(axis.part(value), 0.5, 0.01) << value;
  }
  const double most = std::numeric_limits<double>::max();
  EXPECT_EQ(ValueAxis::of(-most, most).part(0), 0.5);
  EXPECT_EQ(ValueAxis::of(most, most).part(most), 1);
}

TEST(TimeAxis, CountsEpochsOnlyWhereTheyAreEven) {
  EXPECT_STREQ(fit::detail::TimeAxis(falling({"a"}, 5)).label(), "epoch");
  History uneven;
  uneven.add({1, 10, 0, "train", {}});
  uneven.add({2, 40, 0, "train", {}});
  EXPECT_STREQ(fit::detail::TimeAxis(uneven).label(), "step");
}

} // namespace
} // namespace polytask
