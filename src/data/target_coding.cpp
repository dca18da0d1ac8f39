// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/isinf.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>

#include <polytask/core/labels.h>

#include "core/check.h"

#include "preparation_state.h"

namespace polytask::detail {

namespace {

int64_t place_of_positive(
    const ColumnCoding& classes, const std::string& positive) {
  const auto& all = classes.vocabulary;
  const auto found = std::find(all.begin(), all.end(), positive);
  TORCH_CHECK_VALUE(
      found != all.end(),
      "target '",
      classes.column,
      "': no train row has the positive class '",
      positive,
      "'; they have ",
      quoted(all),
      ".");
  return found - all.begin();
}

// A class that the model was never shown is no label.
at::Tensor known_codes(
    const ColumnCoding& classes, const data::Table& rows, bool ignore_unknown) {
  const at::Tensor codes = classes.codes(rows);
  const at::Tensor is_unknown = codes.eq(ColumnCoding::kUnknown);
  if (!ignore_unknown && is_unknown.any().item<bool>()) {
    const auto row = is_unknown.nonzero()[0].item<int64_t>();
    TORCH_CHECK_VALUE(
        false,
        "target '",
        classes.column,
        "': expected one of ",
        quoted(classes.vocabulary),
        ", which the train rows have, but row ",
        row,
        " has another class; ignore_unknown_classes(true) takes it for "
        "missing.");
  }
  return codes;
}

} // namespace

void check_numbers(const at::Tensor& values, const std::string& column) {
  TORCH_CHECK_VALUE(
      !at::isnan(values).all().item<bool>(),
      "column '",
      column,
      "' has no value on the train rows.");
  TORCH_CHECK_VALUE(
      !at::isinf(values).any().item<bool>(),
      "column '",
      column,
      "' has an infinite value on the train rows.");
}

data::Standardizer TargetCoding::scaler() const {
  return data::Standardizer(
      at::tensor({shift}, at::kDouble), at::tensor({scale}, at::kDouble));
}

TargetCoding TargetCoding::fit(
    const data::Table& train, const data::PreparationTarget& target) {
  TargetCoding coding;
  coding.column = target.column;
  coding.kind = target.kind;
  if (target.kind != Kind::kNumber) {
    coding.classes =
        ColumnCoding::fit(train, target.column, /*missing_is_category=*/false);
    if (target.kind == Kind::kBinary) {
      coding.positive = place_of_positive(coding.classes, target.positive);
    }
    return coding;
  }
  const at::Tensor values =
      number_column(train, target.column, /*fitted=*/false);
  check_numbers(values, target.column);
  const auto scaler = data::Standardizer::fit(values.unsqueeze(1));
  coding.scale = scaler.scale().item<double>();
  coding.shift = scaler.mean().item<double>();
  return coding;
}

at::Tensor TargetCoding::labels(
    const data::Table& rows, bool ignore_unknown) const {
  if (kind == Kind::kNumber) {
    const at::Tensor values = number_column(rows, column, /*fitted=*/true);
    return scaler().transform(values.unsqueeze(1)).to(at::kFloat);
  }
  const at::Tensor codes = known_codes(classes, rows, ignore_unknown);
  if (kind == Kind::kClass) {
    return codes.masked_fill(codes.lt(0), Labels::kIgnoreIndex);
  }
  return codes.eq(positive)
      .to(at::kFloat)
      .masked_fill(codes.lt(0), std::numeric_limits<float>::quiet_NaN())
      .unsqueeze(1);
}

} // namespace polytask::detail
