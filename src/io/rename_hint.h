// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace polytask::io::detail {

struct NamedShape {
  std::string name;
  std::vector<int64_t> sizes;
};

/// ` rename("encoder.", "trunk.") …`: the change of a prefix by which most
/// names of a file become those that a module misses, each with its shape.
/// Empty where there is none.
std::string rename_hint(
    const std::vector<NamedShape>& missing,
    const std::vector<NamedShape>& unexpected);

} // namespace polytask::io::detail
