// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "text_columns.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "core/check.h"

namespace polytask::detail {

namespace {

// A table knows its columns and what a misspelt one may stand for.
data::Table table_of_names(
    const std::string& who, const std::vector<std::string>& columns) {
  const auto count = static_cast<int64_t>(columns.size());
  try {
    return data::Table(columns, at::empty({0, count}, at::kDouble));
  } catch (const c10::Error&) {
    rethrow_with(who + ": ");
  }
}

size_t place_in(
    const std::string& who, const data::Table& table, const std::string& name) {
  try {
    return static_cast<size_t>(table.position(name));
  } catch (const c10::Error&) {
    rethrow_with(who + ": ");
  }
}

} // namespace

void fail_text(const std::string& who, const std::string& what, int64_t line) {
  const std::string where = line > 0 ? ", line " + std::to_string(line) : "";
  C10_THROW_ERROR(ValueError, c10::str(who, where, ": ", what));
}

std::vector<bool> named_columns(
    const std::string& who,
    const std::vector<std::string>& columns,
    const std::vector<std::string>& named) {
  const data::Table names = table_of_names(who, columns);
  std::vector<bool> is_named(columns.size(), false);
  for (const auto& name : named) {
    is_named[place_in(who, names, name)] = true;
  }
  return is_named;
}

std::vector<bool> chosen_columns(
    const std::string& who,
    const std::vector<std::string>& columns,
    const std::vector<std::string>& wanted,
    const std::vector<std::string>& without) {
  std::vector<bool> is_chosen = named_columns(who, columns, wanted);
  const std::vector<bool> is_out = named_columns(who, columns, without);
  for (size_t i = 0; i < columns.size(); ++i) {
    is_chosen[i] = (wanted.empty() || is_chosen[i]) && !is_out[i];
  }
  if (std::find(is_chosen.begin(), is_chosen.end(), true) == is_chosen.end()) {
    fail_text(who, "the options leave no column to read.", 0);
  }
  return is_chosen;
}

std::vector<std::string> renamed_columns(
    const std::string& who,
    const std::vector<std::string>& columns,
    const std::vector<std::pair<std::string, std::string>>& renames) {
  const data::Table names = table_of_names(who, columns);
  std::vector<std::string> renamed = columns;
  for (const auto& [name, other] : renames) {
    renamed[place_in(who, names, name)] = other;
  }
  return renamed;
}

data::Table table_of(
    const std::string& who,
    std::vector<std::string> columns,
    const at::Tensor& numbers,
    data::NamedCategories categories) {
  if (numbers.size(0) == 0) {
    fail_text(who, "it names columns, but has no rows.", 0);
  }
  try {
    return data::Table(std::move(columns), numbers, std::move(categories));
  } catch (const c10::Error&) {
    rethrow_with(who + ": ");
  }
}

} // namespace polytask::detail
