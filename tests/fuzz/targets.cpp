// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/targets.h"

#include <c10/util/Exception.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace polytask::fuzz {

const Target& target_named(std::string_view name) {
  static constexpr std::array kTargets = {
      Target{"arff", read_arff_bytes},
      Target{"checkpoint", read_checkpoint_bytes},
      Target{"csv", read_csv_bytes},
      Target{"exported_program", read_exported_program_bytes},
      Target{"inference", read_inference_bytes},
      Target{"pickle", read_pickle_bytes},
      Target{"python_file", read_python_file_bytes},
      Target{"safetensors", read_safetensors_bytes}};
  for (const Target& target : kTargets) {
    if (target.name == name) {
      return target;
    }
  }
  throw std::out_of_range("no fuzzer has the name " + std::string(name));
}

bool is_taken(const Target& target, std::string_view bytes) {
  try {
    target.read(bytes);
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

void expect(bool holds, const char* promise) {
  if (!holds) {
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
  }
}

} // namespace polytask::fuzz
