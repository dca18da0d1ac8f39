// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "fit/progress_numbers.h"
#include "fit/progress_text.h"
#include "fit/shown_text.h"
#include "fit/step_clock.h"
#include "fit/terminal.h"

namespace polytask {
namespace {

using detail::LiveLines;
using detail::TerminalSize;
using detail::TerminalStyle;
using fit::Evaluation;
using fit::History;
using fit::detail::progress_line;
using fit::detail::progress_table;
using fit::detail::ProgressMoment;
using fit::detail::ProgressNumbers;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What a terminal of one-byte characters shows: it wraps, scrolls, and knows
// the sequences that LiveLines uses.
class SmallTerminal {
 public:
  explicit SmallTerminal(TerminalSize size)
      : size_(size), screen_(size.rows, std::string(size.columns, ' ')) {}

  void print(const std::string& text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\x1b') {
        i = obey(text, i);
      } else if (text[i] == '\n') {
        column_ = 0;
        next_row();
      } else if (text[i] == '\r') {
        column_ = 0;
      } else {
        put(text[i]);
      }
    }
  }

  // Without spaces at the ends, and without empty rows at the end.
  std::vector<std::string> rows() const {
    std::vector<std::string> rows = scrolled_;
    rows.insert(rows.end(), screen_.begin(), screen_.end());
    for (auto& row : rows) {
      row.erase(row.find_last_not_of(' ') + 1);
    }
    while (!rows.empty() && rows.back().empty()) {
      rows.pop_back();
    }
    return rows;
  }
  size_t column() const {
    return column_;
  }
  bool is_coloured() const {
    return coloured_;
  }

 private:
  void put(char symbol) {
    if (column_ == size_.columns) {
      column_ = 0;
      next_row();
    }
    screen_[row_][column_++] = symbol;
  }
  void next_row() {
    if (++row_ == size_.rows) {
      scrolled_.push_back(screen_.front());
      screen_.erase(screen_.begin());
      screen_.emplace_back(size_.columns, ' ');
      --row_;
    }
  }
  // Returns the place of the sequence's last letter.
  size_t obey(const std::string& text, size_t at) {
    const size_t end = text.find_first_not_of("[0123456789;", at + 1);
    const std::string number = text.substr(at + 2, end - at - 2);
    switch (text[end]) {
      case 'A':
        row_ -= std::min<size_t>(std::stoul(number), row_);
        break;
      case 'K':
        screen_[row_].replace(column_, std::string::npos, "");
        screen_[row_].resize(size_.columns, ' ');
        break;
      case 'J':
        screen_[row_].replace(column_, std::string::npos, "");
        screen_[row_].resize(size_.columns, ' ');
        for (size_t row = row_ + 1; row < size_.rows; ++row) {
          screen_[row] = std::string(size_.columns, ' ');
        }
        break;
      case 'm':
        coloured_ = number != "0";
        break;
      default:
        ADD_FAILURE() << "unknown sequence " << text.substr(at + 1, end - at);
    }
    return end;
  }

  TerminalSize size_;
  std::vector<std::string> screen_;
  std::vector<std::string> scrolled_;
  size_t row_ = 0;
  size_t column_ = 0;
  bool coloured_ = false;
};

ProgressMoment moment_of_tasks(size_t count) {
  ProgressMoment moment;
  moment.epoch = 3;
  moment.epochs = 100;
  moment.step = 250;
  moment.steps = 10000;
  moment.step_of_epoch = 50;
  moment.steps_per_epoch = 100;
  moment.steps_per_second = 312.4;
  moment.seconds_left = 120;
  for (size_t i = 0; i < count; ++i) {
    auto& task = moment.tasks.emplace_back();
    task.name = "task" + std::to_string(i);
    task.train_loss = 0.5;
    task.validation_loss = 0.25;
    task.metric = "auc";
    task.value = 0.9;
    task.best = 0.9;
    task.best_epoch = 2;
  }
  moment.mean.name = "mean";
  moment.mean.train_loss = 0.123;
  return moment;
}

size_t widest(const std::vector<std::string>& lines) {
  size_t width = 0;
  for (const auto& line : lines) {
    width = std::max(width, detail::text_width(line));
  }
  return width;
}

TEST(ProgressTable, ShowsTheNumbersOfEachTask) {
  EXPECT_THAT(
      progress_table(moment_of_tasks(2), {100, 24}, {}),
      ElementsAre(
          "epoch 3/100  ###############...............  step 250/10000  "
          "312 steps/s  2 min left",
          "task   train loss  validation loss     auc  best (epoch)",
          "task0      0.5000           0.2500  0.9000    0.9000 (2)",
          "task1      0.5000           0.2500  0.9000    0.9000 (2)",
          "mean       0.1230                -                      "));
}

TEST(ProgressTable, LeavesOutColumnsOfWhichNothingIsKnown) {
  ProgressMoment moment;
  moment.tasks.emplace_back().name = "a";
  EXPECT_THAT(
      progress_table(moment, {80, 24}, {}),
      ElementsAre("epoch 0  step 0", "task  train loss", "a              -"));
}

TEST(ProgressTable, NamesTheMetricWhereTasksHaveDifferentOnes) {
  auto moment = moment_of_tasks(2);
  moment.tasks[1].metric = "rmse";
  EXPECT_THAT(
      progress_table(moment, {100, 24}, {}),
      ::testing::AllOf(
          Contains(HasSubstr("       metric")),
          Contains(HasSubstr("rmse 0.9000"))));
}

class ProgressTableWidths : public ::testing::TestWithParam<size_t> {};

TEST_P(ProgressTableWidths, AreNeverExceeded) {
  auto moment = moment_of_tasks(5);
  moment.tasks[1].name = "a task of a very long name, longer than a window";
  moment.note = "done: early stopping: nothing better for 10 epochs";
  for (const size_t rows : {1, 2, 3, 5, 7, 24}) {
    const auto lines = progress_table(moment, {GetParam(), rows}, {});
    EXPECT_LT(widest(lines), std::max<size_t>(GetParam(), 2));
    EXPECT_LT(lines.size(), std::max<size_t>(rows, 2));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , ProgressTableWidths, ::testing::Values(1, 2, 5, 12, 20, 30, 41, 60, 200));

TEST(ProgressTable, KeepsWhatMattersInThirtyColumns) {
  auto moment = moment_of_tasks(1);
  moment.tasks[0].name = "a long name of a task";
  EXPECT_THAT(
      progress_table(moment, {30, 24}, {}),
      ElementsAre(
          "epoch 3/100  ########.......",
          "step 250/10000  312 steps/s",
          "2 min left",
          "task           valid.     auc",
          "a long name..  0.2500  0.9000"));
}

TEST(ProgressTable, SaysHowManyTasksDoNotFit) {
  const auto lines = progress_table(moment_of_tasks(40), {100, 17}, {});
  EXPECT_THAT(lines, ::testing::SizeIs(16));
  EXPECT_EQ(lines[13].substr(0, 6), "task11");
  EXPECT_EQ(lines[14], "and 28 more");
  EXPECT_EQ(lines[15].substr(0, 4), "mean");
}

TEST(ProgressTable, MovesNoCursorForTheNameOfATask) {
  auto moment = moment_of_tasks(1);
  moment.tasks[0].name = "a\x1b[2J\nb\xff";
  EXPECT_THAT(
      progress_table(moment, {100, 24}, {}), Contains(HasSubstr("a?[2J?b?  ")));
}

TEST(ProgressTable, EndsEachLineWithoutColours) {
  const TerminalStyle style{.colours = true, .unicode = true};
  const auto lines = progress_table(moment_of_tasks(2), {100, 24}, style);
  SmallTerminal terminal({300, 24});
  for (const auto& line : lines) {
    terminal.print(line + "\n");
    EXPECT_FALSE(terminal.is_coloured());
  }
  EXPECT_THAT(lines[0], HasSubstr("\u2501"));
  EXPECT_THAT(lines[1], HasSubstr("\x1b[1m"));
}

TEST(LiveLines, ReplaceThemselvesBelowWhatWasThere) {
  const TerminalSize size{40, 10};
  SmallTerminal terminal(size);
  LiveLines table;
  terminal.print("before\n");
  terminal.print(table.draw({"one", "two, a longer line", "three"}, size));
  EXPECT_THAT(
      terminal.rows(),
      ElementsAre("before", "one", "two, a longer line", "three"));
  terminal.print(table.draw({"1", "2"}, size));
  EXPECT_THAT(terminal.rows(), ElementsAre("before", "1", "2"));
  EXPECT_EQ(terminal.column(), 0);
  terminal.print("after");
  EXPECT_THAT(terminal.rows(), ElementsAre("before", "1", "2", "after"));
}

TEST(LiveLines, StayInPlaceAtTheLowerEdge) {
  const TerminalSize size{20, 4};
  SmallTerminal terminal(size);
  LiveLines table;
  terminal.print("1\n2\n3\n4\n");
  for (int i = 0; i < 3; ++i) {
    terminal.print(table.draw({"a", "b", "c"}, size));
  }
  EXPECT_THAT(terminal.rows(), ElementsAre("1", "2", "3", "4", "a", "b", "c"));
}

TEST(LiveLines, CountTheRowsOfLinesThatANarrowerWindowWrapped) {
  LiveLines table;
  table.draw({std::string(30, 'x'), "\x1b[1mshort\x1b[0m"}, {40, 20});
  const std::string text = table.draw({"y"}, {20, 20});
  EXPECT_EQ(text.substr(0, 4), "\x1b[3A");
}

TEST(LiveLines, DrawATableThatFillsASmallTerminal) {
  const TerminalSize size{30, 6};
  SmallTerminal terminal(size);
  LiveLines table;
  for (int i = 0; i < 3; ++i) {
    auto moment = moment_of_tasks(8);
    moment.step += i;
    terminal.print(table.draw(progress_table(moment, size, {}), size));
  }
  EXPECT_THAT(terminal.rows(), ::testing::SizeIs(::testing::Le(5)));
  EXPECT_THAT(terminal.rows(), Contains(HasSubstr("step 252")));
  EXPECT_THAT(terminal.rows(), Not(Contains(HasSubstr("step 251"))));
}

TEST(ProgressLine, TellsTheEpochInOneLine) {
  auto moment = moment_of_tasks(2);
  moment.steps = 0;
  moment.goal = {"validation mean/loss", 0.13, 0.12, 2};
  EXPECT_EQ(
      progress_line(moment),
      "epoch 3/100  step 250  loss 0.1230  validation mean/loss 0.1300 "
      "(best 0.1200 at 2)  312 steps/s  2 min left");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnown) {
  ProgressMoment moment;
  moment.epoch = 1;
  EXPECT_EQ(progress_line(moment), "epoch 1  step 0");
}

Evaluation evaluation_of(double loss, double auc, double rmse) {
  return Evaluation(
      {{"a", 10, {{"loss", loss}, {"auc", auc, true}}},
       {"b", 10, {{"loss", 2 * loss}, {"rmse", rmse}}}});
}

TEST(ProgressNumbers, KeepTheBestInItsDirection) {
  ProgressNumbers numbers({"a", "b"}, "mean/loss");
  numbers.see("validation", evaluation_of(1, 0.7, 3), 1, {});
  numbers.see("validation", evaluation_of(0.5, 0.8, 4), 2, {});
  numbers.see("validation", evaluation_of(0.75, NAN, NAN), 3, {});
  numbers.see("test", evaluation_of(0, 1, 0), 3, {});
  numbers.see_losses({0.25, NAN});
  ProgressMoment moment;
  numbers.write_to(moment);
  EXPECT_EQ(moment.tasks[0].train_loss, 0.25);
  EXPECT_EQ(moment.tasks[0].validation_loss, 0.75);
  EXPECT_EQ(moment.tasks[0].best, 0.8);
  EXPECT_EQ(moment.tasks[0].best_epoch, 2);
  EXPECT_EQ(moment.tasks[1].best, 3);
  EXPECT_EQ(moment.tasks[1].best_epoch, 1);
  EXPECT_EQ(moment.mean.train_loss, 0.25);
  EXPECT_THAT(moment.mean.metric, IsEmpty());
  EXPECT_EQ(moment.mean.best, 0.75);
  EXPECT_EQ(moment.goal.name, "validation mean/loss");
  EXPECT_EQ(moment.goal.value, 1.125);
  EXPECT_EQ(moment.goal.best, 0.75);
  EXPECT_EQ(moment.goal.best_epoch, 2);
}

TEST(ProgressNumbers, KnowTheBestOfBeforeAResume) {
  History history;
  history.add({1, 10, 0, "validation", {{"a/auc", 0.95}, {"mean/loss", 0.1}}});
  history.add({2, 20, 0, "validation", {{"a/auc", 0.85}, {"mean/loss", 0.2}}});
  ProgressNumbers numbers({"a", "b"}, "mean/loss");
  numbers.see("validation", evaluation_of(1, 0.9, 3), 3, history);
  ProgressMoment moment;
  numbers.write_to(moment);
  EXPECT_EQ(moment.tasks[0].best, 0.95);
  EXPECT_EQ(moment.tasks[0].best_epoch, 1);
  EXPECT_EQ(moment.goal.best, 0.1);
}

TEST(ProgressNumbers, TakeTheLossesOfAnEpochFromItsRecord) {
  ProgressNumbers numbers({"a", "b"}, "mean/loss");
  numbers.see_losses({NAN, NAN});
  numbers.see_training(
      {1, 10, 0, "train", {{"b/loss", 2}, {"b/weight", 1}, {"mean/loss", 3}}});
  ProgressMoment moment;
  numbers.write_to(moment);
  EXPECT_TRUE(std::isnan(moment.tasks[0].train_loss));
  EXPECT_EQ(moment.tasks[1].train_loss, 2);
  EXPECT_EQ(moment.mean.train_loss, 3);
}

TEST(ProgressMoment, KnowsWhatPartIsDone) {
  ProgressMoment moment = moment_of_tasks(1);
  EXPECT_EQ(moment.part_done(), 0.025);
  moment.steps = 0;
  EXPECT_EQ(moment.part_done(), 0.025);
  moment.steps_per_epoch = 0;
  EXPECT_EQ(moment.part_done(), 0.02);
  moment.has_ended = true;
  EXPECT_EQ(moment.part_done(), 0.03);
  moment.epochs = 0;
  EXPECT_TRUE(std::isnan(moment.part_done()));
}

TEST(DueTime, LooksSeldomWhereStepsAreFast) {
  detail::DueTime due(0.1);
  int64_t looks = 0;
  int64_t drawn = 0;
  for (int64_t step = 0; step < 1000000; ++step) { // of 10 us each
    if (due.look()) {
      ++looks;
      drawn += due.is_due(1e-5 * static_cast<double>(step)) ? 1 : 0;
    }
  }
  EXPECT_LE(looks, 500);
  EXPECT_LE(drawn, 101);
  EXPECT_GE(drawn, 75);
}

TEST(DueTime, LooksAtEveryStepWhereTheyAreSlow) {
  detail::DueTime due(0.1);
  for (int step = 0; step < 5; ++step) {
    ASSERT_TRUE(due.look());
    EXPECT_TRUE(due.is_due(step));
  }
}

TEST(DueTime, LooksOftenAgainSoonAfterStepsBecameSlow) {
  detail::DueTime due(0.1);
  double now = 0;
  for (int step = 0; step < 100000; ++step, now += 1e-5) {
    if (due.look()) {
      due.is_due(now);
    }
  }
  int without = 0; // steps in a row
  for (int step = 0; step < 3000; ++step, now += 0.01) {
    const bool looks = due.look();
    without = looks ? 0 : without + 1;
    if (looks) {
      due.is_due(now);
    }
  }
  EXPECT_LE(without, 3);
}

TEST(Pace, TellsSpeedAndTimeLeft) {
  detail::Pace pace;
  pace.add(100, 0.1, 5);
  EXPECT_TRUE(std::isnan(pace.steps_per_second()));
  EXPECT_TRUE(std::isnan(pace.seconds_left()));
  for (int i = 1; i <= 10; ++i) {
    pace.add(100 + 10 * i, 0.1 + 0.01 * i, 5 + i);
  }
  EXPECT_NEAR(pace.steps_per_second(), 10, 1e-9);
  EXPECT_NEAR(pace.seconds_left(), 80, 1e-6);
}

TEST(Pace, ForgetsWhatWasLongAgo) {
  detail::Pace pace;
  pace.add(0, NAN, 0);
  pace.add(1000, NAN, 10);
  pace.add(1100, NAN, 110);
  EXPECT_LT(pace.steps_per_second(), 1.2);
  EXPECT_TRUE(std::isnan(pace.seconds_left()));
}

TEST(ShownText, KnowsTheWidthOfWideAndCombinedSymbols) {
  EXPECT_EQ(detail::text_width("a\u00fc"), 2);
  EXPECT_EQ(detail::text_width("\u8a9e"), 2);
  EXPECT_EQ(detail::text_width("e\u0301"), 1);
  EXPECT_EQ(detail::cut_to_width("\u8a9e\u8a9e\u8a9e", 5), "\u8a9e..");
  EXPECT_EQ(detail::cut_to_width("abc", 1), "a");
  EXPECT_EQ(detail::printable("\xc0\xaf\xed\xa0\x80z\u009b"), "?????z?");
}

TEST(ShownText, WritesNumbersAndTimesShortly) {
  EXPECT_EQ(detail::short_number(0.1), "0.1000");
  EXPECT_EQ(detail::short_number(1234), "1234");
  EXPECT_EQ(detail::short_number(1e-5), "1.000e-05");
  EXPECT_EQ(detail::short_number(-INFINITY), "-inf");
  EXPECT_EQ(detail::short_number(NAN), "-");
  EXPECT_EQ(detail::short_duration(44.6), "45 s");
  EXPECT_EQ(detail::short_duration(59.6), "1 min");
  EXPECT_EQ(detail::short_duration(120), "2 min");
  EXPECT_EQ(detail::short_duration(4800), "1 h 20 min");
  EXPECT_EQ(detail::short_duration(3 * 86400 + 4 * 3600), "3 d 4 h");
  EXPECT_EQ(detail::short_duration(NAN), "-");
}

TEST(Terminal, IsNoFileAndNoOtherStream) {
  const std::ostream other(nullptr);
  EXPECT_FALSE(detail::is_terminal(other));
  EXPECT_EQ(detail::terminal_size(other).columns, 80);
  EXPECT_FALSE(detail::terminal_style(other).colours);
}

} // namespace
} // namespace polytask
