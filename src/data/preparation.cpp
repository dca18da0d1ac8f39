// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/preparation.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "core/check.h"

#include "preparation_state.h"

namespace polytask::data {

namespace {

constexpr const char* kPreparationLead = "Preparation: ";

void check_once(
    const std::vector<std::string>& columns, const std::string& place) {
  std::unordered_set<std::string> seen;
  for (const auto& column : columns) {
    TORCH_CHECK_VALUE(
        seen.insert(column).second,
        "column '",
        column,
        "' comes twice in ",
        place,
        ".");
  }
}

void check_preparation(const Table& train, const PreparationOptions& options) {
  TORCH_CHECK_VALUE(train.rows() > 0, "there is no row to train on.");
  TORCH_CHECK_VALUE(
      !options.numbers().empty() || !options.one_hot().empty() ||
          !options.ids().empty(),
      "expected columns for inputs in numbers, one_hot or ids, but got none.");
  check_once(options.numbers(), "numbers");
  check_once(options.one_hot(), "one_hot");
  check_once(options.ids(), "ids");
  std::vector<std::string> targets;
  for (const auto& target : options.targets()) {
    targets.push_back(target.column);
    for (const auto* inputs :
         {&options.numbers(), &options.one_hot(), &options.ids()}) {
      for (const auto& input : *inputs) {
        TORCH_CHECK_VALUE(
            input != target.column,
            "column '",
            input,
            "' is both an input and a target.");
      }
    }
  }
  check_once(targets, "the targets");
}

// float64 [n, columns]
at::Tensor number_columns_of(
    const Table& table, const std::vector<std::string>& columns, bool fitted) {
  for (const auto& column : columns) {
    detail::number_column(table, column, fitted);
  }
  return table.values(columns, at::kDouble);
}

} // namespace

Preparation Preparation::fit(
    const Table& train, const PreparationOptions& options) {
  auto state = std::make_shared<State>();
  try {
    check_preparation(train, options);
    TORCH_CHECK_VALUE(
        std::isfinite(options.clip()) && options.clip() >= 0,
        "expected a finite clip of at least 0, but got ",
        options.clip(),
        ".");
    state->numbers = options.numbers();
    if (!state->numbers.empty()) {
      const at::Tensor values =
          number_columns_of(train, state->numbers, /*fitted=*/false);
      for (int64_t i = 0; i < values.size(1); ++i) {
        const at::Tensor column = values.select(1, i);
        detail::check_numbers(column, state->numbers[static_cast<size_t>(i)]);
        if (options.indicators() && at::isnan(column).any().item<bool>()) {
          state->indicated.push_back(i);
        }
      }
      state->standardizer =
          Standardizer::fit(values, StandardizerOptions().impute(true));
    }
    for (const auto& column : options.one_hot()) {
      state->one_hot.push_back(detail::ColumnCoding::fit(
          train, column, options.missing_is_category()));
    }
    for (const auto& column : options.ids()) {
      state->ids.push_back(detail::ColumnCoding::fit(
          train, column, options.missing_is_category()));
    }
    for (const auto& target : options.targets()) {
      state->targets.push_back(detail::TargetCoding::fit(train, target));
    }
  } catch (const c10::Error&) {
    detail::rethrow_with(kPreparationLead);
  }
  state->clip = options.clip();
  state->ignore_unknown_classes = options.ignore_unknown_classes();
  Preparation preparation;
  preparation.state_ = std::move(state);
  return preparation;
}

const Preparation::State& Preparation::state(const char* who) const {
  TORCH_CHECK_VALUE(
      state_ != nullptr,
      "Preparation: ",
      who,
      ": it has no columns yet; fit it, or load them.");
  return *state_;
}

Inputs Preparation::inputs(const Table& rows) const {
  const State& fitted = state("inputs");
  std::vector<Inputs::Named> tensors;
  try {
    std::vector<at::Tensor> parts; // float [n, some] each
    if (!fitted.numbers.empty()) {
      const at::Tensor values =
          number_columns_of(rows, fitted.numbers, /*fitted=*/true);
      const at::Tensor scaled = fitted.standardizer.transform(values);
      parts.push_back(
          (fitted.clip > 0 ? scaled.clamp(-fitted.clip, fitted.clip) : scaled)
              .to(at::kFloat));
      if (!fitted.indicated.empty()) {
        const auto places = at::tensor(fitted.indicated, at::kLong);
        parts.push_back(
            at::isnan(values.index_select(1, places)).to(at::kFloat));
      }
    }
    for (const auto& coding : fitted.one_hot) {
      const at::Tensor each = at::arange(coding.size(), at::kLong);
      parts.push_back(coding.places(rows).unsqueeze(1).eq(each).to(at::kFloat));
    }
    if (!parts.empty()) {
      tensors.emplace_back("numbers", at::cat(parts, 1));
    }
    std::vector<at::Tensor> ids; // int64 [n] each
    for (const auto& coding : fitted.ids) {
      ids.push_back(coding.places(rows).add(1).clamp_min(0));
    }
    if (!ids.empty()) {
      tensors.emplace_back("ids", at::stack(ids, 1));
    }
  } catch (const c10::Error&) {
    detail::rethrow_with(kPreparationLead);
  }
  return fitted.ids.empty() ? Inputs(tensors.front().second)
                            : Inputs(std::move(tensors));
}

Dataset Preparation::dataset(const Table& rows) const {
  const State& fitted = state("dataset");
  TORCH_CHECK_VALUE(
      !fitted.targets.empty(),
      "Preparation: dataset: the options name no target; inputs(...) needs "
      "none.");
  Batch::Targets targets;
  try {
    for (const auto& target : fitted.targets) {
      targets.emplace_back(
          target.column, target.labels(rows, fitted.ignore_unknown_classes));
    }
  } catch (const c10::Error&) {
    detail::rethrow_with(kPreparationLead);
  }
  return Dataset(inputs(rows), std::move(targets));
}

std::vector<Dataset> Preparation::datasets(
    const Table& rows, const std::string& column) const {
  const Dataset all = dataset(rows);
  detail::ColumnCoding groups;
  at::Tensor codes;
  try {
    groups = detail::ColumnCoding::fit(rows, column, false);
    codes = groups.codes(rows);
    const at::Tensor without = codes.lt(0).nonzero();
    TORCH_CHECK_VALUE(
        without.size(0) == 0,
        "column '",
        column,
        "': expected a category in each row, but row ",
        without.size(0) == 0 ? 0 : without[0].item<int64_t>(),
        " has none.");
  } catch (const c10::Error&) {
    detail::rethrow_with("Preparation: datasets: ");
  }
  // A task's name has no dot: "0.5" becomes "0_5".
  for (auto& category : groups.vocabulary) {
    std::replace(category.begin(), category.end(), '.', '_');
  }
  auto names = groups.vocabulary;
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  TORCH_CHECK_VALUE(
      twice == names.end(),
      "Preparation: datasets: two categories of column '",
      column,
      "' would both be called '",
      *twice,
      "'.");
  std::vector<Dataset> parts;
  for (int64_t group = 0; group < groups.size(); ++group) {
    const Dataset part = all.select(codes.eq(group).nonzero().squeeze(1));
    Batch::Targets targets = part.targets();
    for (auto& [task, target] : targets) {
      const std::string name =
          column + "_" + groups.vocabulary[static_cast<size_t>(group)];
      task = targets.size() == 1 ? name : name + "_" + task;
    }
    parts.emplace_back(part.inputs(), std::move(targets));
  }
  return parts;
}

std::vector<std::string> Preparation::tasks() const {
  std::vector<std::string> names;
  for (const auto& target : state("tasks").targets) {
    names.push_back(target.column);
  }
  return names;
}

std::vector<std::string> Preparation::ids() const {
  std::vector<std::string> names;
  for (const auto& coding : state("ids").ids) {
    names.push_back(coding.column);
  }
  return names;
}

std::vector<int64_t> Preparation::id_sizes() const {
  std::vector<int64_t> sizes;
  for (const auto& coding : state("id_sizes").ids) {
    sizes.push_back(coding.size() + 1);
  }
  return sizes;
}

int64_t Preparation::width() const {
  return static_cast<int64_t>(names().size());
}

std::vector<std::string> Preparation::names() const {
  const State& fitted = state("names");
  constexpr const char* kIsMissing = " is missing";
  std::vector<std::string> names = fitted.numbers;
  for (const int64_t place : fitted.indicated) {
    names.push_back(fitted.numbers[static_cast<size_t>(place)] + kIsMissing);
  }
  for (const auto& coding : fitted.one_hot) {
    for (const auto& category : coding.vocabulary) {
      names.push_back(coding.column + "=" + category);
    }
    if (coding.has_missing) {
      names.push_back(coding.column + kIsMissing);
    }
  }
  return names;
}

const std::vector<std::string>& Preparation::vocabulary(
    const std::string& column) const {
  const State& fitted = state("vocabulary");
  std::vector<std::string> known;
  for (const auto* codings : {&fitted.one_hot, &fitted.ids}) {
    for (const auto& coding : *codings) {
      if (coding.column == column) {
        return coding.vocabulary;
      }
      known.push_back(coding.column);
    }
  }
  for (const auto& target : fitted.targets) {
    if (target.kind != detail::TargetCoding::Kind::kNumber) {
      if (target.column == column) {
        return target.classes.vocabulary;
      }
      known.push_back(target.column);
    }
  }
  C10_THROW_ERROR(
      ValueError,
      c10::str(
          "Preparation: vocabulary: '",
          column,
          "' is no column of categories; these are ",
          detail::quoted(known),
          "."));
}

} // namespace polytask::data
