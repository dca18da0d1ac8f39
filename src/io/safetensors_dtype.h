// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace polytask::io::detail {

/// What the format calls a dtype; empty where it has none of the kind.
std::string_view safetensors_name(at::ScalarType dtype);

/// Nothing for a name that stands for no dtype of LibTorch.
std::optional<at::ScalarType> safetensors_dtype(std::string_view name);

std::vector<std::string> safetensors_dtype_names();

} // namespace polytask::io::detail
