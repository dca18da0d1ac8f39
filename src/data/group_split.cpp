// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/split.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <map>

#include "rows.h"
#include "split_shares.h"

namespace polytask::data {

namespace {

// The rows of each group, in the order of the groups' numbers.
std::vector<std::vector<size_t>> rows_of_groups(
    const std::string& who, const at::Tensor& groups) {
  detail::check_numbers_of_rows(who, "groups", groups);
  const at::Tensor host = groups.cpu().contiguous();
  const auto* const group = host.const_data_ptr<int64_t>();
  std::map<int64_t, std::vector<size_t>> found;
  for (int64_t row = 0; row < host.numel(); ++row) {
    TORCH_CHECK_VALUE(
        group[row] >= 0,
        who,
        ": expected groups from 0, but row ",
        row,
        " has ",
        group[row],
        ".");
    found[group[row]].push_back(static_cast<size_t>(row));
  }
  std::vector<std::vector<size_t>> rows;
  rows.reserve(found.size());
  for (auto& entry : found) {
    rows.push_back(std::move(entry.second));
  }
  return rows;
}

// Gives each group in turn to the part that still needs most rows, but keeps
// one for each part that has none.
std::vector<at::Tensor> parts_of_groups(
    const std::string& who,
    const std::vector<std::vector<size_t>>& groups,
    const std::vector<size_t>& order,
    const detail::Shares& shares,
    int64_t rows) {
  const size_t parts = shares.parts();
  std::vector<int64_t> needs;
  std::vector<bool> is_empty;
  for (const int64_t share : shares.of_part) {
    needs.push_back(share * rows);
    is_empty.push_back(share > 0);
  }
  auto empty = std::count(is_empty.begin(), is_empty.end(), true);
  TORCH_CHECK_VALUE(
      static_cast<int64_t>(groups.size()) >= empty,
      who,
      ": expected a group for each of ",
      empty,
      " parts, but got ",
      groups.size(),
      " groups.");
  std::vector<size_t> part_of_row(static_cast<size_t>(rows), 0);
  for (size_t i = 0; i < order.size(); ++i) {
    const bool are_due = static_cast<int64_t>(order.size() - i) <= empty;
    size_t best = parts;
    for (size_t part = 0; part < parts; ++part) {
      if (shares.of_part[part] > 0 && (!are_due || is_empty[part]) &&
          (best == parts || needs[part] > needs[best])) {
        best = part;
      }
    }
    for (const size_t row : groups[order[i]]) {
      part_of_row[row] = best;
      needs[best] -= shares.sum;
    }
    empty -= is_empty[best] ? 1 : 0;
    is_empty[best] = false;
  }
  return detail::rows_of_parts(part_of_row, parts);
}

std::vector<size_t> shuffled_groups(size_t count, uint64_t seed) {
  const at::Tensor shuffled =
      detail::shuffled_rows(static_cast<int64_t>(count), seed);
  const auto* const group = shuffled.const_data_ptr<int64_t>();
  std::vector<size_t> order;
  for (size_t i = 0; i < count; ++i) {
    order.push_back(static_cast<size_t>(group[i]));
  }
  return order;
}

} // namespace

Split group_split(const at::Tensor& groups, const SplitOptions& options) {
  constexpr const char* kWho = "group_split";
  const auto shares = detail::shares_of(kWho, options);
  const auto rows = rows_of_groups(kWho, groups);
  return detail::split_of(
      kWho,
      parts_of_groups(
          kWho,
          rows,
          shuffled_groups(rows.size(), options.seed()),
          shares,
          groups.size(0)),
      options);
}

std::vector<at::Tensor> group_folds(
    const at::Tensor& groups, int64_t k, uint64_t seed) {
  constexpr const char* kWho = "group_folds";
  const auto rows = rows_of_groups(kWho, groups);
  const auto shares = detail::shares_of_folds(kWho, k, groups.size(0));
  auto order = shuffled_groups(rows.size(), seed);
  // The largest first, as small ones can make up for what these leave uneven.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return rows[a].size() > rows[b].size();
  });
  return parts_of_groups(kWho, rows, order, shares, groups.size(0));
}

} // namespace polytask::data
