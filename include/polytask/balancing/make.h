// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
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

/// Adds a method of yours to those that `make`, and so Python, knows. `options`
/// are the names that it takes; others are refused before `maker` is called,
/// which looks at the values itself. It may be called from any thread, as
/// `make` may. Throws on a name that is known, and on an empty one.
///
/// ```cpp
/// register_method("mine", {"rate"}, [](const OptionValues& options) {
///   return std::make_unique<Mine>(*options.at("rate").number());
/// });
/// ```
POLYTASK_API void register_method(
    const std::string& name,
    const std::vector<std::string>& options,
    std::function<std::unique_ptr<Balancing>(const OptionValues&)> maker);

} // namespace polytask::balancing
