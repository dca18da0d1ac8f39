// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Dict.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <string>

#include <polytask/balancing/balancing.h>
#include <polytask/balancing/option_value.h>

namespace polytask::python {

/// As a Python dict arrives: `{"c": 0.4, "scale_mode": "median"}`.
using Options = c10::Dict<std::string, c10::IValue>;
using Tensors = c10::Dict<std::string, at::Tensor>;

/// Without options.
Options no_options();

/// Numbers, also those that are true or false; lists, tuples and tensors of
/// them; words. What is None is left out. Throws on anything else, naming the
/// method and the option.
balancing::OptionValues option_values(
    const std::string& method, const Options& options);

/// The same back, as numbers, lists of numbers and words.
Options to_options(const balancing::OptionValues& values);

std::map<std::string, at::Tensor> to_map(const Tensors& tensors);
Tensors to_dict(const std::map<std::string, at::Tensor>& tensors);

} // namespace polytask::python
