// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Time and peak memory of reading a CSV file, a process for each reading:
//   csv write FILE ROWS   35 columns of numbers, some missing, and 5 of text
//   csv read FILE
// The same with pandas, in a process of its own:
//   python3 -c "import pandas, resource, sys, time; t = time.perf_counter();
//     pandas.read_csv(sys.argv[1]); print(time.perf_counter() - t,
//     resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)" FILE

#include <fmt/format.h>
#include <polytask/data/csv.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

namespace {

constexpr int kColumns = 40;
constexpr int kKinds[] = {2, 6, 300, 20000, 336};

// Which of the five texts a column holds, or -1.
int text_of(int column) {
  return column % 8 == 3 ? column / 8 : -1;
}

void write_table(const std::string& path, int64_t rows) {
  std::ofstream file(path);
  std::mt19937_64 engine(0);
  std::uniform_real_distribution<double> number(-100, 100);
  for (int column = 0; column < kColumns; ++column) {
    file << (column == 0 ? "" : ",") << "c" << column;
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      file << (column == 0 ? '\n' : ',');
      const int text = text_of(column);
      if (text >= 0) {
        const auto kinds = static_cast<uint64_t>(kKinds[text]);
        file << fmt::format("category {:05}", engine() % kinds);
      } else if (engine() % 50 != 0) {
        file << fmt::format("{:.{}g}", number(engine), 6 + column % 12);
      }
    }
  }
  file << '\n';
}

// In MiB.
double csv_peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("VmHWM:", 0) == 0) {
      return std::stod(line.substr(6)) / 1024;
    }
  }
  return 0;
}

void read_table(const std::string& path) {
  using Clock = std::chrono::steady_clock;
  const double before = csv_peak_memory();
  const auto start = Clock::now();
  const auto table = polytask::data::read_csv(
      path, polytask::data::CsvOptions().infer_categories(true));
  const std::chrono::duration<double> taken = Clock::now() - start;
  fmt::print(
      "{} rows x {} columns: {:.2f} s, {:.0f} MiB more than the {:.0f} "
      "before\n",
      table.rows(),
      table.columns().size(),
      taken.count(),
      csv_peak_memory() - before,
      before);
}

} // namespace

int main(int count, char** arguments) {
  const std::string mode = count > 2 ? arguments[1] : "";
  if (mode == "write" && count == 4) {
    write_table(arguments[2], std::stoll(arguments[3]));
  } else if (mode == "read" && count == 3) {
    read_table(arguments[2]);
  } else {
    std::fprintf(stderr, "usage: csv write FILE ROWS | csv read FILE\n");
    return 2;
  }
  return 0;
}
