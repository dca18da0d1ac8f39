// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/write_file.h"

#include "core/new_file.h"

namespace polytask::detail {

void write_file(
    const std::string& who, const std::string& path, const std::string& text) {
  NewFile file(who, path);
  file.write(text.data(), text.size());
  file.put_in_place();
}

} // namespace polytask::detail
