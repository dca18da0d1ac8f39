// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/history.h>

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "tests/support/errors.h"

namespace {

using polytask::fit::History;
using polytask::testing::error_of;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

History three_records() {
  History history;
  history.add(
      {1, 10, 0.1, "train", {{"a, b/loss", 0.1}, {"learning_rate", 1e-3}}});
  history.add(
      {1, 10, 0.2, "validation", {{"a, b/loss", 0.25}, {"mean/loss", 0.3}}});
  history.add(
      {2, 20, 0.3, "validation", {{"a, b/loss", 0.125}, {"mean/loss", kNan}}});
  history.stop_reason("all epochs");
  return history;
}

std::string history_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(History, GivesCurvesLastAndBestValues) {
  const History history = three_records();
  EXPECT_THAT(
      history.curve("validation", "a, b/loss"),
      testing::ElementsAre(testing::Pair(10, 0.25), testing::Pair(20, 0.125)));
  EXPECT_THAT(history.splits(), testing::ElementsAre("train", "validation"));
  EXPECT_THAT(
      history.names("validation"),
      testing::ElementsAre("a, b/loss", "mean/loss"));
  EXPECT_EQ(history.last("train", "learning_rate"), 1e-3);
  EXPECT_EQ(
      history.best("validation", "a, b/loss"), (History::Point{20, 0.125}));
  EXPECT_EQ(
      history.best("validation", "a, b/loss", true),
      (History::Point{10, 0.25}));
}

TEST(History, NeverTakesNanForTheBest) {
  EXPECT_EQ(
      three_records().best("validation", "mean/loss"),
      (History::Point{10, 0.3}));
  History nothing;
  nothing.add({1, 1, 0, "validation", {{"y/auc", kNan}}});
  EXPECT_THAT(
      error_of([&] { nothing.best("validation", "y/auc"); }),
      testing::HasSubstr("every 'y/auc' of 'validation' is NaN"));
}

TEST(History, SaysWhichNamesThereAre) {
  EXPECT_THAT(
      error_of([] { three_records().last("validation", "a/auc"); }),
      testing::HasSubstr(
          "no 'a/auc' of 'validation'; there are 'a, b/loss', 'mean/loss'"));
}

TEST(History, ComesBackFromAnArchive) {
  const std::string path = testing::TempDir() + "history.pt";
  torch::serialize::OutputArchive out;
  History history = three_records();
  history.add({3, 30, 0.4, "train", {}});
  history.save(out);
  out.save_to(path);
  torch::serialize::InputArchive in;
  in.load_from(path);
  History read;
  read.load(in);
  ASSERT_EQ(read.records().size(), 4);
  EXPECT_EQ(read.records()[0], history.records()[0]);
  EXPECT_EQ(read.records()[1], history.records()[1]);
  EXPECT_TRUE(std::isnan(read.last("validation", "mean/loss")));
  EXPECT_EQ(read.stop_reason(), "all epochs");
}

TEST(History, RefusesAnotherArchive) {
  torch::serialize::OutputArchive out;
  out.write("weight", torch::ones(2));
  std::stringstream stream;
  out.save_to(stream);
  torch::serialize::InputArchive in;
  in.load_from(stream);
  History history = three_records();
  EXPECT_THAT(
      error_of([&] { history.load(in); }),
      testing::HasSubstr("History: expected"));
  EXPECT_EQ(history.records().size(), 3);
}

TEST(History, WritesARowForEachValue) {
  const std::string path = testing::TempDir() + "history.csv";
  three_records().write_csv(path);
  EXPECT_EQ(
      history_text(path),
      "epoch,step,seconds,split,name,value\n"
      "1,10,0.1,train,\"a, b/loss\",0.1\n"
      "1,10,0.1,train,learning_rate,0.001\n"
      "1,10,0.2,validation,\"a, b/loss\",0.25\n"
      "1,10,0.2,validation,mean/loss,0.3\n"
      "2,20,0.3,validation,\"a, b/loss\",0.125\n"
      "2,20,0.3,validation,mean/loss,nan\n");
}

TEST(History, WritesALineOfJsonForEachRecord) {
  const std::string path = testing::TempDir() + "history.jsonl";
  History history;
  history.add({1, 10, 0.5, "train", {{"a\"b/loss", 0.1}, {"mean/loss", kNan}}});
  history.write_json_lines(path);
  EXPECT_EQ(
      history_text(path),
      "{\"epoch\": 1, \"step\": 10, \"seconds\": 0.5, \"split\": \"train\", "
      "\"values\": {\"a\\\"b/loss\": 0.1, \"mean/loss\": null}}\n");
}

} // namespace
