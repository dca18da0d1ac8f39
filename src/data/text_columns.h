// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polytask/data/table.h>

namespace polytask::detail {

// `who` leads every message: the format and the file.

/// Throws; line 0 is the text as a whole.
[[noreturn]] void fail_text(
    const std::string& who, const std::string& what, int64_t line);

/// Whether each of the columns is among the `named`. Throws on a name that is
/// not there, and for two columns of one name.
std::vector<bool> named_columns(
    const std::string& who,
    const std::vector<std::string>& columns,
    const std::vector<std::string>& named);

/// Which of the columns are to be read: the `wanted` ones, or all where none
/// is wanted, but for those of `without`. Throws on a name that is not there.
std::vector<bool> chosen_columns(
    const std::string& who,
    const std::vector<std::string>& columns,
    const std::vector<std::string>& wanted,
    const std::vector<std::string>& without);

/// The columns' names with the first of each pair replaced by the second.
/// Throws on a name that is not there.
std::vector<std::string> renamed_columns(
    const std::string& who,
    const std::vector<std::string>& columns,
    const std::vector<std::pair<std::string, std::string>>& renames);

/// Checks that there are rows and makes the table of them, which keeps the
/// tensors.
data::Table table_of(
    const std::string& who,
    std::vector<std::string> columns,
    const at::Tensor& numbers,
    data::NamedCategories categories);

} // namespace polytask::detail
