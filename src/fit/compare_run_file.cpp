// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/compare_run_file.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <locale>
#include <sstream>
#include <utility>
#include <vector>

#include "core/write_file.h"

namespace polytask::fit::detail {

namespace {

constexpr auto kRunTitle = "polytask comparison run 1";
constexpr auto kHigher = "higher";
constexpr auto kLower = "lower";

std::string run_path(const std::string& folder) {
  return (std::filesystem::path(folder) / "run.txt").string();
}

// Streams do not read what is no number.
std::optional<double> number_of_word(const std::string& word) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (word == "nan" || word == "-nan") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (word == "inf" || word == "-inf") {
    return word == "inf" ? kInfinite : -kInfinite;
  }
  std::istringstream stream(word);
  stream.imbue(std::locale::classic());
  double number = 0;
  if (stream >> number && stream.eof()) {
    return number;
  }
  return std::nullopt;
}

struct RunReader {
  std::string settings;
  ComparedRun run;
  std::vector<Evaluation::TaskValues> tasks;

  // False where it says nothing that is known.
  bool read(const std::string& line) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "setting") {
      settings += line.substr(kind.size() + 1) + '\n';
      return true;
    }
    if (kind == "value") {
      return read_value(words);
    }
    std::string word;
    words >> word;
    const auto number = number_of_word(word);
    if (!number || (kind != "steps" && kind != "seconds")) {
      return false;
    }
    if (kind == "steps") {
      run.steps = static_cast<int64_t>(*number);
    } else {
      run.seconds = *number;
    }
    return true;
  }

 private:
  bool read_value(std::istringstream& words) {
    std::string task;
    std::string name;
    std::string better;
    std::string word;
    words >> task >> name >> better >> word;
    const auto number = number_of_word(word);
    if (!number || (better != kHigher && better != kLower)) {
      return false;
    }
    task = from_one_word(task);
    if (tasks.empty() || tasks.back().task != task) {
      tasks.push_back({task, 0, {}});
    }
    tasks.back().values.push_back(
        {from_one_word(name), *number, better == kHigher});
    return true;
  }
};

} // namespace

std::string as_one_word(const std::string& name) {
  std::string word;
  for (const char symbol : name) {
    const bool is_plain = (symbol >= 'a' && symbol <= 'z') ||
        (symbol >= 'A' && symbol <= 'Z') || (symbol >= '0' && symbol <= '9') ||
        symbol == '_' || symbol == '-';
    word += is_plain
        ? std::string(1, symbol)
        : fmt::format("%{:02X}", static_cast<unsigned char>(symbol));
  }
  return word;
}

std::string from_one_word(const std::string& word) {
  const auto digit = [](char symbol) {
    return symbol >= 'A' ? symbol - 'A' + 10 : symbol - '0';
  };
  std::string name;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '%' && i + 2 < word.size()) {
      name += static_cast<char>(16 * digit(word[i + 1]) + digit(word[i + 2]));
      i += 2;
    } else {
      name += word[i];
    }
  }
  return name;
}

void write_run(
    const std::string& folder,
    const CompareSettings& settings,
    const ComparedRun& run) {
  std::string text = std::string(kRunTitle) + '\n';
  std::istringstream lines(settings_text(settings));
  for (std::string line; std::getline(lines, line);) {
    text += "setting " + line + '\n';
  }
  text += fmt::format("steps {}\nseconds {}\n", run.steps, run.seconds);
  for (const auto& task : run.test.tasks()) {
    for (const auto& value : task.values) {
      text += fmt::format(
          "value {} {} {} {}\n",
          as_one_word(task.task),
          as_one_word(value.name),
          value.higher_is_better ? kHigher : kLower,
          value.value);
    }
  }
  polytask::detail::write_file("compare", run_path(folder), text);
}

std::optional<ComparedRun> read_run(
    const std::string& folder, const CompareSettings& settings) {
  const std::string path = run_path(folder);
  if (!std::filesystem::exists(path)) {
    return std::nullopt;
  }
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  TORCH_CHECK_VALUE(
      line == kRunTitle,
      path,
      " is no run that this polytask reads; it begins with '",
      line,
      "'.");
  RunReader reader;
  while (std::getline(file, line)) {
    TORCH_CHECK_VALUE(
        reader.read(line), path, ": cannot read the line '", line, "'.");
  }
  TORCH_CHECK_VALUE(
      reader.settings == settings_text(settings),
      path,
      " is of other settings:\n",
      reader.settings,
      "expected\n",
      settings_text(settings));
  reader.run.test = Evaluation(std::move(reader.tasks));
  return std::move(reader.run);
}

} // namespace polytask::fit::detail
