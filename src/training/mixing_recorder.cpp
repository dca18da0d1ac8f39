// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/mixing_recorder.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/csv_cell.h"
#include "core/write_file.h"

#include "heat_map.h"

namespace polytask {

namespace {

bool is_of_same(const MixingWeights& a, const MixingWeights& b) {
  return a.name == b.name && a.rows == b.rows && a.columns == b.columns;
}

} // namespace

void MixingRecorder::add(const Sharing& sharing) {
  const auto now = sharing.mixing_weights();
  TORCH_CHECK_VALUE(
      steps_ == 0 ||
          std::equal(
              now.begin(), now.end(), sums_.begin(), sums_.end(), is_of_same),
      "MixingRecorder: the sharing '",
      sharing.name(),
      "' mixes other tasks or things than in the steps before; reset() begins "
      "anew.");
  if (steps_ == 0) {
    sums_.clear();
    counts_.clear();
    for (const MixingWeights& each : now) {
      sums_.push_back(each);
      sums_.back().values = at::zeros_like(each.values, at::kDouble);
      counts_.push_back(at::zeros_like(each.values, at::kDouble));
    }
  }
  for (size_t i = 0; i < now.size(); ++i) {
    const at::Tensor values = now[i].values.to(at::kCPU, at::kDouble);
    sums_[i].values.add_(values.nan_to_num(0));
    counts_[i].add_(values.isnan().logical_not().to(at::kDouble));
  }
  ++steps_;
}

void MixingRecorder::reset() {
  steps_ = 0;
  sums_.clear();
  counts_.clear();
}

std::vector<MixingWeights> MixingRecorder::weights() const {
  auto means = sums_;
  for (size_t i = 0; i < means.size(); ++i) {
    means[i].values = sums_[i].values / counts_[i];
  }
  return means;
}

void MixingRecorder::print(std::ostream& stream) const {
  stream << fmt::format("{} step{}\n", steps_, steps_ == 1 ? "" : "s");
  for (const MixingWeights& each : weights()) {
    size_t width = 8;
    for (const auto& names : {each.rows, each.columns}) {
      for (const auto& name : names) {
        width = std::max(width, name.size() + 2);
      }
    }
    stream << fmt::format("{:<{}}", each.name, width);
    for (const auto& column : each.columns) {
      stream << fmt::format("{:>{}}", column, width);
    }
    stream << '\n';
    const auto at = each.values.accessor<double, 2>();
    for (int64_t row = 0; row < each.values.size(0); ++row) {
      stream << fmt::format(
          "{:<{}}", each.rows[static_cast<size_t>(row)], width);
      for (int64_t column = 0; column < each.values.size(1); ++column) {
        const double value = at[row][column];
        stream << fmt::format(
            "{:>{}}",
            std::isnan(value) ? "-" : fmt::format("{:.3f}", value),
            width);
      }
      stream << '\n';
    }
  }
}

void MixingRecorder::write_csv(const std::string& path) const {
  std::string text = "where,row,column,weight\n";
  for (const MixingWeights& each : weights()) {
    const auto at = each.values.accessor<double, 2>();
    for (size_t row = 0; row < each.rows.size(); ++row) {
      for (size_t column = 0; column < each.columns.size(); ++column) {
        const double value =
            at[static_cast<int64_t>(row)][static_cast<int64_t>(column)];
        text += fmt::format(
            "{},{},{},{}\n",
            detail::csv_cell(each.name),
            detail::csv_cell(each.rows[row]),
            detail::csv_cell(each.columns[column]),
            std::isnan(value) ? "" : fmt::format("{}", value));
      }
    }
  }
  detail::write_file("MixingRecorder", path, text);
}

void MixingRecorder::write_svg(
    const std::string& path, const std::string& name) const {
  std::vector<std::string> names;
  for (const MixingWeights& each : weights()) {
    if (each.name == name) {
      detail::write_file(
          "MixingRecorder",
          path,
          detail::heat_map(
              {"Mean weights of " + name,
               each.rows,
               each.columns,
               each.values}));
      return;
    }
    names.push_back(each.name);
  }
  TORCH_CHECK_VALUE(
      false,
      "MixingRecorder: there is no '",
      name,
      "'; there is ",
      detail::quoted(names),
      ".");
}

} // namespace polytask
