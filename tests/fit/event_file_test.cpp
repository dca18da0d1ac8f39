// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/event_file.h>

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/crc32c.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using fit::EventFile;
using ::testing::ElementsAre;

// The fields of a Protobuf message: numbers as they are, all else as bytes.
struct EventMessage {
  std::multimap<uint64_t, std::string> bytes;
  std::map<uint64_t, uint64_t> numbers;

  double real(uint64_t number) const {
    return std::bit_cast<double>(numbers.at(number));
  }
  float single(uint64_t number) const {
    return std::bit_cast<float>(static_cast<uint32_t>(numbers.at(number)));
  }
  EventMessage message(uint64_t number) const;
  std::vector<double> reals(uint64_t number) const;
};

uint64_t read_number(const std::string& from, size_t& at, size_t size) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; ++i) {
    number |= uint64_t{static_cast<unsigned char>(from.at(at++))} << (8 * i);
  }
  return number;
}

uint64_t read_varint(const std::string& from, size_t& at) {
  uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(from.at(at++));
    number |= uint64_t{byte & 127u} << shift;
    if (byte < 128) {
      return number;
    }
  }
}

EventMessage parse_message(const std::string& text) {
  EventMessage message;
  for (size_t at = 0; at < text.size();) {
    const uint64_t key = read_varint(text, at);
    switch (key & 7) {
      case 0:
        message.numbers[key >> 3] = read_varint(text, at);
        break;
      case 1:
        message.numbers[key >> 3] = read_number(text, at, 8);
        break;
      case 5:
        message.numbers[key >> 3] = read_number(text, at, 4);
        break;
      case 2: {
        const uint64_t size = read_varint(text, at);
        message.bytes.emplace(key >> 3, text.substr(at, size));
        at += size;
        break;
      }
      default:
        ADD_FAILURE() << "wire type " << (key & 7);
        return message;
    }
  }
  return message;
}

EventMessage EventMessage::message(uint64_t number) const {
  return parse_message(bytes.find(number)->second);
}

std::vector<double> EventMessage::reals(uint64_t number) const {
  const std::string& packed = bytes.find(number)->second;
  std::vector<double> values;
  for (size_t at = 0; at < packed.size();) {
    values.push_back(std::bit_cast<double>(read_number(packed, at, 8)));
  }
  return values;
}

uint32_t masked(const std::string& bytes) {
  const uint32_t crc = detail::crc32c(0, bytes.data(), bytes.size());
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// The events of a file, whose lengths and checksums must be right.
std::vector<EventMessage> events_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), {}};
  std::vector<EventMessage> events;
  for (size_t at = 0; at < file.size();) {
    const std::string length = file.substr(at, 8);
    const uint64_t size = read_number(file, at, 8);
    EXPECT_EQ(read_number(file, at, 4), masked(length));
    const std::string text = file.substr(at, size);
    EXPECT_EQ(text.size(), size);
    at += size;
    EXPECT_EQ(read_number(file, at, 4), masked(text));
    events.push_back(parse_message(text));
  }
  return events;
}

class EventFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder);
  }

  // Of the only value of the only event after the first.
  template <typename Add>
  EventMessage value_of(Add&& add) {
    EventFile file(folder);
    add(file);
    file.flush();
    const auto events = events_of(file.path());
    EXPECT_EQ(events.size(), 2);
    return events.at(1).message(5).message(1);
  }

  const std::string folder = ::testing::TempDir() + "polytask_events/a run";
};

TEST_F(EventFiles, HoldScalarsWithStepAndTime) {
  EventFile file(folder);
  file.add_scalar("train/a/loss", 0.25, 300, 1234.5);
  file.add_scalar("train/a/loss", std::nan(""), -1);
  file.flush();
  const auto events = events_of(file.path());
  ASSERT_EQ(events.size(), 3);
  EXPECT_EQ(events[0].bytes.find(3)->second, "brain.Event:2");
  EXPECT_EQ(events[1].real(1), 1234.5);
  EXPECT_EQ(events[1].numbers.at(2), 300);
  const auto value = events[1].message(5).message(1);
  EXPECT_EQ(value.bytes.find(1)->second, "train/a/loss");
  EXPECT_EQ(value.single(2), 0.25f);
  EXPECT_EQ(static_cast<int64_t>(events[2].numbers.at(2)), -1);
  EXPECT_GT(events[2].real(1), 1.7e9); // now
  EXPECT_TRUE(std::isnan(events[2].message(5).message(1).single(2)));
}

TEST_F(EventFiles, HoldEachValueOfARecordUnderItsSplit) {
  EventFile file(folder);
  file.add_record({2, 20, 1.5, "train", {{"a/loss", 1}, {"learning_rate", 2}}});
  file.flush();
  const auto events = events_of(file.path());
  ASSERT_EQ(events.size(), 3);
  std::vector<std::string> tags;
  for (const auto& event : {events[1], events[2]}) {
    tags.push_back(event.message(5).message(1).bytes.find(1)->second);
    EXPECT_EQ(event.numbers.at(2), 20);
  }
  EXPECT_THAT(tags, ElementsAre("train/a/loss", "train/learning_rate"));
  EXPECT_EQ(events[1].real(1), events[2].real(1));
}

TEST_F(EventFiles, HoldTextsAsTensors) {
  const auto value =
      value_of([](EventFile& file) { file.add_text("a", "**bold**", 3); });
  EXPECT_EQ(value.message(8).numbers.at(1), 7); // DT_STRING
  EXPECT_EQ(value.message(8).bytes.find(8)->second, "**bold**");
  EXPECT_EQ(value.message(9).message(1).bytes.find(1)->second, "text");
}

TEST_F(EventFiles, HoldHistogramsOfFiniteValues) {
  const auto values = torch::tensor(
      {0.0f, 30.0f, 0.5f, 29.5f, std::numeric_limits<float>::infinity(), NAN});
  const auto histogram = value_of([&](EventFile& file) {
                           file.add_histogram("w", values, 3);
                         }).message(5);
  EXPECT_EQ(histogram.real(1), 0);
  EXPECT_EQ(histogram.real(2), 30);
  EXPECT_EQ(histogram.real(3), 4);
  EXPECT_EQ(histogram.real(4), 60);
  EXPECT_EQ(histogram.real(5), 900 + 0.25 + 29.5 * 29.5);
  const auto limits = histogram.reals(6);
  const auto counts = histogram.reals(7);
  ASSERT_EQ(limits.size(), 30);
  ASSERT_EQ(counts.size(), 30);
  EXPECT_NEAR(limits.front(), 1, 1e-12);
  EXPECT_EQ(limits.back(), 30);
  EXPECT_EQ(counts.front(), 2);
  EXPECT_EQ(counts.back(), 2);
}

TEST_F(EventFiles, HoldHistogramsOfNothingAndOfOneValue) {
  const auto nothing = value_of([](EventFile& file) {
                         file.add_histogram("w", torch::empty({0}), 3);
                       }).message(5);
  EXPECT_EQ(nothing.real(3), 0);
  const auto one = value_of([](EventFile& file) {
                     file.add_histogram("w", torch::full({2, 3}, 4), 3);
                   }).message(5);
  EXPECT_THAT(one.reals(6), ElementsAre(4));
  EXPECT_THAT(one.reals(7), ElementsAre(6));
}

TEST_F(EventFiles, HoldHistogramsOfTheWidestRange) {
  const double most = std::numeric_limits<double>::max();
  const auto limits =
      value_of([&](EventFile& file) {
        file.add_histogram("w", torch::tensor({-most, most}, at::kDouble), 3);
      })
          .message(5)
          .reals(6);
  EXPECT_THAT(limits, ::testing::Each(::testing::Truly([](double limit) {
                return std::isfinite(limit);
              })));
}

TEST_F(EventFiles, ComeInTheOrderOfTheirNames) {
  std::vector<std::string> paths;
  for (int i = 0; i < 3; ++i) {
    paths.push_back(EventFile(folder).path());
  }
  EXPECT_LT(paths[0], paths[1]);
  EXPECT_LT(paths[1], paths[2]);
}

TEST_F(EventFiles, SayWhereASessionStarts) {
  EventFile file(folder);
  file.start_session(41);
  file.flush();
  const auto event = events_of(file.path()).at(1);
  EXPECT_EQ(event.numbers.at(2), 41);
  EXPECT_EQ(event.message(7).numbers.at(1), 1); // SessionLog::START
}

TEST_F(EventFiles, AreWholeOnceTheyAreGone) {
  std::string path;
  {
    EventFile file(folder);
    path = file.path();
    file.add_scalar("a", 1, 1);
  }
  EXPECT_EQ(events_of(path).size(), 2);
}

TEST_F(EventFiles, NameAFolderThatIsAFile) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/file") << "text";
  try {
    const EventFile file(folder + "/file");
    FAIL() << "did not throw";
  } catch (const std::exception& error) {
    EXPECT_TRUE(testing::says(error.what(), {folder + "/file"}));
  }
}

// Writes what event_file.py reads.
TEST_F(EventFiles, AreWrittenForTensorBoard) {
  const char* kept = std::getenv("POLYTASK_EVENTS");
  const std::string path = kept ? kept : folder;
  {
    EventFile before(path);
    double loss = 1;
    for (const int64_t step : {10, 20, 30, 40}) {
      before.add_record(
          {1, step, 0, "train", {{"a/loss", loss}, {"learning_rate", 0.1}}});
      loss /= 2;
    }
  }
  EventFile after(path);
  after.start_session(21);
  after.add_scalar("train/a/loss", 0.125, 30);
  after.add_scalar("train/a/loss", std::nan(""), 40);
  after.add_text("notes", "**bold** and \u00fc", 40);
  after.add_histogram("weights", torch::tensor({0.0, 30.0, 0.5, 29.5}), 40);
  after.add_histogram("weights", torch::empty({0}), 41);
  after.flush();
  EXPECT_EQ(events_of(after.path()).size(), 7);
}

} // namespace
} // namespace polytask
