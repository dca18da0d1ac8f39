// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "balancing/methods.h"
#include "tests/support/options_table.h"

// docs/balancing has a page for each method, with its names and options as they
// are. With POLYTASK_WRITE_PAGES=1 in the environment, the tables are written.

namespace polytask {
namespace {

const std::string kBegin = "<!-- begin: options, written by MethodPages -->\n";
const std::string kEnd = "<!-- end: options -->\n";

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> in_row(const std::string& text, const char* title) {
  std::vector<std::string> found;
  const std::string start = std::string("\n| ") + title + " | ";
  const size_t begin = text.find(start);
  if (begin == std::string::npos) {
    return found;
  }
  const std::string row =
      text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
  const std::regex quoted("`([^`]+)`");
  for (auto match = std::sregex_iterator(row.begin(), row.end(), quoted);
       match != std::sregex_iterator();
       ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

/// The pages of methods, by the first name on each.
std::map<std::string, std::filesystem::path> method_pages() {
  std::map<std::string, std::filesystem::path> pages;
  const std::filesystem::path folder =
      std::string(POLYTASK_SOURCE_DIR) + "/docs/balancing";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".md" &&
        entry.path().filename() != "README.md") {
      const auto names = in_row(text_of(entry.path()), "names");
      EXPECT_FALSE(names.empty()) << entry.path() << " names no method";
      EXPECT_TRUE(names.empty() || pages.emplace(names[0], entry.path()).second)
          << names[0] << " has two pages";
    }
  }
  return pages;
}

TEST(MethodPages, AreOneForEachMethodWithItsNames) {
  auto pages = method_pages();
  for (const auto* description : balancing::detail::descriptions()) {
    ASSERT_TRUE(pages.contains(description->name))
        << "no page's first name is " << description->name;
    const auto text = text_of(pages[description->name]);
    EXPECT_THAT(
        in_row(text, "names"),
        ::testing::UnorderedElementsAreArray(
            testing::names_of_method(*description)));
    const auto classes = in_row(text, "class");
    EXPECT_TRUE(!classes.empty() && classes[0] == description->type)
        << description->name << " is the class " << description->type;
    pages.erase(description->name);
  }
  EXPECT_TRUE(pages.empty()) << pages.begin()->first << " is no method";
}

TEST(MethodPages, HaveTheOptionsOfEachName) {
  const char* write = std::getenv("POLYTASK_WRITE_PAGES");
  auto pages = method_pages();
  for (const auto* description : balancing::detail::descriptions()) {
    const auto& page = pages[description->name];
    const auto text = text_of(page);
    const size_t begin = text.find(kBegin);
    const size_t end = text.find(kEnd);
    ASSERT_TRUE(begin != std::string::npos && end != std::string::npos)
        << page << " has no place for its options";
    const size_t start = begin + kBegin.size();
    const auto table = testing::options_table(*description);
    if (write) {
      std::ofstream(page) << text.substr(0, start) << table << text.substr(end);
    } else {
      EXPECT_EQ(text.substr(start, end - start), table)
          << page << ": POLYTASK_WRITE_PAGES=1 writes what is right";
    }
  }
}

} // namespace
} // namespace polytask
