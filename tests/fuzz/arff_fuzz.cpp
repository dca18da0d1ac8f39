// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/arff.h>

#include <c10/util/Exception.h>

#include <sstream>
#include <string>

#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

void read_arff_bytes(std::string_view bytes) {
  std::istringstream numbers{std::string(bytes)};
  const auto table = data::parse_arff(numbers, "fuzz");
  std::istringstream again{std::string(bytes)};
  try {
    const auto codes = data::parse_arff(
        again, "fuzz", data::ArffOptions().nominal_categories(true));
    expect(codes.rows() == table.rows(), "categories change no rows");
  } catch (const c10::Error&) { // a class that comes twice
  }
}

} // namespace polytask::fuzz
