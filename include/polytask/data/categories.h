// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::data {

/// A column of categories: for each row, the place of its own in the list of
/// all.
struct POLYTASK_API Categories {
  /// int64 [rows], from 0; -1 where the category is missing.
  at::Tensor codes;
  /// No text comes twice; it may hold categories that no row has. A file's are
  /// in ascending order of their bytes, or as the file declares them.
  std::vector<std::string> vocabulary;
};

using NamedCategories = std::vector<std::pair<std::string, Categories>>;

} // namespace polytask::data
