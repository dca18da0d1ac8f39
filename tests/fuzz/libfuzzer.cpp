// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// Clang's fuzzer; the variable POLYTASK_FUZZ names the reader.
#include <c10/util/Backtrace.h>
#include <c10/util/Logging.h>
#include <torch/utils.h>

#include <cstdlib>

#include "tests/fuzz/targets.h"

using polytask::fuzz::Target;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  at::set_num_threads(1);
  // What a refusal costs is the walk over the stack.
  c10::SetStackTraceFetcher([] { return std::string(); });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  static const Target& target =
      polytask::fuzz::target_named(std::getenv("POLYTASK_FUZZ"));
  polytask::fuzz::is_taken(target, {reinterpret_cast<const char*>(data), size});
  return 0;
}
