// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// run_corpus NAME FOLDER: whether the reader of the name takes the folder's
// files that begin with good_, and refuses those that begin with bad_.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/fuzz/targets.h"

int main(int, char** arguments) {
  const auto& target = polytask::fuzz::target_named(arguments[1]);
  int count = 0;
  int wrong = 0;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[2])) {
    const std::string name = entry.path().filename().string();
    std::cout << name << std::endl; // before it may crash
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    const bool is_taken = polytask::fuzz::is_taken(target, bytes);
    ++count;
    if (name.starts_with(is_taken ? "bad_" : "good_")) {
      std::cout << "  is " << (is_taken ? "taken" : "refused") << '\n';
      ++wrong;
    }
  }
  std::cout << count << " files, " << wrong << " wrong\n";
  return count > 0 && wrong == 0 ? 0 : 1;
}
