// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/data/csv.h>

#include <fstream>
#include <istream>
#include <streambuf>
#include <string>

#include "tests/support/sanitized.h"

namespace polytask::data {
namespace {

constexpr int64_t kEndlessRows = 400000;
constexpr int64_t kEndlessColumns = 20;

// A table that stands nowhere: each row when it is read.
class EndlessRows : public std::streambuf {
 public:
  EndlessRows() {
    for (int64_t column = 0; column < kEndlessColumns; ++column) {
      const std::string separator = column + 1 < kEndlessColumns ? "," : "\n";
      line_ += "c" + std::to_string(column) + separator;
      row_ += "0." + std::to_string(column) + separator;
    }
  }

 protected:
  int_type underflow() override {
    if (read_ > kEndlessRows) {
      return traits_type::eof();
    }
    if (read_ == 1) {
      line_ = row_;
    }
    ++read_;
    setg(line_.data(), line_.data(), line_.data() + line_.size());
    return traits_type::to_int_type(line_[0]);
  }

 private:
  std::string line_;
  std::string row_;
  int64_t read_ = 0;
};

// KiB of a line of /proc/self/status, or 0 where there is none.
int64_t own_memory(const std::string& what) {
  std::ifstream status("/proc/self/status");
  std::string word;
  int64_t kib = 0;
  while (status >> word) {
    if (word == what && status >> kib) {
      return kib;
    }
  }
  return 0;
}

TEST(CsvMemory, IsLittleMoreThanTheTables) {
  // Linux forgets the peak on being told so.
  const bool forgets =
      bool(std::ofstream("/proc/self/clear_refs") << "5" << std::flush);
  if (testing::is_address_sanitized() || !forgets) {
    GTEST_SKIP() << "the peak of this process's memory cannot be measured here";
  }
  const int64_t before = own_memory("VmHWM:");
  EndlessRows rows;
  std::istream stream(&rows);
  const Table table = parse_csv(stream, "endless");
  EXPECT_EQ(
      table.values().sizes(),
      (std::vector<int64_t>{kEndlessRows, kEndlessColumns}));
  const int64_t table_kib = kEndlessRows * kEndlessColumns * 8 / 1024;
  const int64_t peak = own_memory("VmHWM:") - before;
  EXPECT_GT(peak, table_kib / 2); // it is measured
  EXPECT_LT(peak, table_kib * 13 / 10);
}

} // namespace
} // namespace polytask::data
