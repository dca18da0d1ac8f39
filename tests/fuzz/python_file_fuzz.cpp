// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/python_file.h>

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

void read_python_file_bytes(std::string_view bytes) {
  io::read_python(file_with(bytes));
}

} // namespace polytask::fuzz
