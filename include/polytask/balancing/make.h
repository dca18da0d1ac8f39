// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/balancing/option_value.h>

namespace polytask::balancing {

/// A method by its name and options, for command lines and bindings. Throws on
/// an unknown name, with the names that are near it, and on an unknown option,
/// with those that the method has.
///
/// ```cpp
/// auto method = polytask::balancing::make("cagrad", {{"c", 0.4}});
/// ```
POLYTASK_API std::unique_ptr<Balancing> make(
    const std::string& name, const OptionValues& options = {});

/// The names that `make` knows, sorted.
POLYTASK_API std::vector<std::string> names();

} // namespace polytask::balancing
