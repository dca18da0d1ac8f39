// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/split.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include "rows.h"

namespace polytask::data {

namespace {

// Marks the file's rows as taken; none has been before.
at::Tensor read_part(const std::string& path, std::vector<bool>& is_taken) {
  if (path.empty()) {
    return at::empty({0}, at::kLong);
  }
  const at::Tensor index = read_index(path);
  detail::check_row_index(
      "read_split: " + path, index, static_cast<int64_t>(is_taken.size()));
  const auto* const row = index.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < index.numel(); ++i) {
    TORCH_CHECK_VALUE(
        !is_taken[static_cast<size_t>(row[i])],
        "read_split: ",
        path,
        ": row ",
        row[i],
        " comes twice in the split.");
    is_taken[static_cast<size_t>(row[i])] = true;
  }
  return index;
}

} // namespace

Split read_split(const SplitFiles& files, int64_t rows) {
  TORCH_CHECK_VALUE(
      rows >= 0, "read_split: expected rows >= 0, but got ", rows, ".");
  TORCH_CHECK_VALUE(
      !files.train().empty() || !files.validation().empty() ||
          !files.test().empty(),
      "read_split: expected a file of rows, but got none.");
  std::vector<bool> is_taken(static_cast<size_t>(rows), false);
  Split split;
  split.train = read_part(files.train(), is_taken);
  split.validation = read_part(files.validation(), is_taken);
  split.test = read_part(files.test(), is_taken);
  if (files.train().empty()) {
    split.train = complement(at::cat({split.validation, split.test}), rows);
  }
  TORCH_CHECK_VALUE(
      split.train.size(0) > 0, "read_split: there is no row to train on.");
  return split;
}

} // namespace polytask::data
