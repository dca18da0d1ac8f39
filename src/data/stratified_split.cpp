// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/split.h>

#include <ATen/ops/isnan.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <polytask/core/labels.h>

#include "rows.h"
#include "split_shares.h"

namespace polytask::data {

namespace {

// Which labels each row has: labels are numbered over all tasks.
struct RowLabels {
  std::vector<std::vector<size_t>> of_row;
  // The rows of each.
  std::vector<std::vector<size_t>> rows;

  explicit RowLabels(int64_t count) : of_row(static_cast<size_t>(count)) {}

  // Each number that is not left out is a label: int64 [rows].
  void add(const at::Tensor& numbers, const at::Tensor& is_left_out) {
    const at::Tensor host = numbers.cpu().contiguous();
    const at::Tensor left_out = is_left_out.cpu().contiguous();
    const auto* const number = host.const_data_ptr<int64_t>();
    const auto* const out = left_out.const_data_ptr<bool>();
    std::unordered_map<int64_t, size_t> labels;
    for (size_t row = 0; row < of_row.size(); ++row) {
      if (!out[row]) {
        const auto [label, is_new] = labels.emplace(number[row], rows.size());
        if (is_new) {
          rows.emplace_back();
        }
        of_row[row].push_back(label->second);
        rows[label->second].push_back(row);
      }
    }
  }
};

RowLabels labels_of_classes(const std::string& who, const at::Tensor& classes) {
  detail::check_numbers_of_rows(who, "classes", classes);
  RowLabels labels(classes.size(0));
  labels.add(classes, classes.ne(classes));
  return labels;
}

RowLabels labels_of_targets(
    const std::string& who, const Batch::Targets& targets) {
  TORCH_CHECK_VALUE(!targets.empty(), who, ": expected a task, but got none.");
  for (const auto& [task, target] : targets) {
    TORCH_CHECK_VALUE(
        target.defined() && target.dim() >= 1,
        who,
        ": task '",
        task,
        "': expected a target of shape [n, ...], but got ",
        target.defined() ? "a scalar." : "an undefined tensor.");
    TORCH_CHECK_VALUE(
        target.size(0) == targets.front().second.size(0),
        who,
        ": task '",
        task,
        "' has ",
        target.size(0),
        " rows, but task '",
        targets.front().first,
        "' has ",
        targets.front().second.size(0),
        ".");
  }
  const int64_t rows = targets.front().second.size(0);
  RowLabels labels(rows);
  for (const auto& entry : targets) {
    if (rows == 0) {
      break;
    }
    const at::Tensor target = entry.second.detach().reshape({rows, -1});
    for (int64_t i = 0; i < target.size(1); ++i) {
      const at::Tensor column = target.select(1, i);
      if (!column.is_floating_point()) {
        const at::Tensor numbers = column.to(at::kLong);
        labels.add(numbers, numbers.eq(Labels::kIgnoreIndex));
        continue;
      }
      const at::Tensor missing = at::isnan(column);
      const at::Tensor is_binary =
          column.eq(0).logical_or(column.eq(1)).logical_or(missing).all();
      labels.add(
          is_binary.item<bool>() ? column.eq(1).to(at::kLong)
                                 : missing.to(at::kLong),
          missing);
    }
  }
  return labels;
}

// Gives each row to a part.
class Stratification {
 public:
  Stratification(RowLabels labels, detail::Shares shares)
      : labels_(std::move(labels)),
        shares_(std::move(shares)),
        part_of_row_(labels_.of_row.size(), kOpen),
        assigned_(shares_.parts(), 0) {}

  std::vector<at::Tensor> parts(uint64_t seed) && {
    const auto rows = static_cast<int64_t>(part_of_row_.size());
    const at::Tensor order = detail::shuffled_rows(rows, seed);
    const auto* const row = order.const_data_ptr<int64_t>();
    std::vector<size_t> ranks(part_of_row_.size());
    for (int64_t i = 0; i < rows; ++i) {
      ranks[static_cast<size_t>(row[i])] = static_cast<size_t>(i);
    }
    for (auto& label_rows : labels_.rows) {
      std::sort(label_rows.begin(), label_rows.end(), [&](size_t a, size_t b) {
        return ranks[a] < ranks[b];
      });
      left_.push_back(label_rows.size());
      std::vector<int64_t> needs;
      for (const int64_t share : shares_.of_part) {
        needs.push_back(share * static_cast<int64_t>(label_rows.size()));
      }
      needs_.push_back(std::move(needs));
    }
    for (size_t label = rarest(); label != kOpen; label = rarest()) {
      for (const size_t each : labels_.rows[label]) {
        if (part_of_row_[each] == kOpen) {
          assign(each, part_for(label));
        }
      }
    }
    for (int64_t i = 0; i < rows; ++i) { // those without a label
      const auto each = static_cast<size_t>(row[i]);
      if (part_of_row_[each] == kOpen) {
        assign(each, part_with_fewest([](size_t) { return true; }));
      }
    }
    return detail::rows_of_parts(part_of_row_, shares_.parts());
  }

 private:
  static constexpr size_t kOpen = static_cast<size_t>(-1);

  // The label with fewest rows that have no part yet.
  size_t rarest() const {
    size_t found = kOpen;
    for (size_t label = 0; label < left_.size(); ++label) {
      if (left_[label] > 0 && (found == kOpen || left_[label] < left_[found])) {
        found = label;
      }
    }
    return found;
  }

  size_t part_for(size_t label) const {
    const auto& needs = needs_[label];
    const auto most = std::max_element(needs.begin(), needs.end());
    if (*most >= shares_.sum) { // a row or more
      return static_cast<size_t>(most - needs.begin());
    }
    // What is left is rounded up for some parts and down for others.
    return part_with_fewest(
        [&](size_t part) { return *most <= 0 || needs[part] > 0; });
  }

  // The part that most lacks rows for its share of those given so far.
  template <typename IsAllowed>
  size_t part_with_fewest(const IsAllowed& is_allowed) const {
    size_t found = kOpen;
    int64_t most = 0;
    for (size_t part = 0; part < shares_.parts(); ++part) {
      const int64_t lacks =
          shares_.of_part[part] * (count_ + 1) - shares_.sum * assigned_[part];
      if (shares_.of_part[part] > 0 && is_allowed(part) &&
          (found == kOpen || lacks > most)) {
        found = part;
        most = lacks;
      }
    }
    return found;
  }

  void assign(size_t row, size_t part) {
    part_of_row_[row] = part;
    ++assigned_[part];
    ++count_;
    for (const size_t label : labels_.of_row[row]) {
      needs_[label][part] -= shares_.sum;
      --left_[label];
    }
  }

  RowLabels labels_;
  detail::Shares shares_;
  std::vector<size_t> part_of_row_;
  // Rows in each part, and in all.
  std::vector<int64_t> assigned_;
  int64_t count_ = 0;
  // For each label: rows without a part, and what each part still needs, in
  // units of which a row has `shares_.sum`.
  std::vector<size_t> left_;
  std::vector<std::vector<int64_t>> needs_;
};

Split stratified(RowLabels labels, const SplitOptions& options) {
  constexpr const char* kWho = "stratified_split";
  return detail::split_of(
      kWho,
      Stratification(std::move(labels), detail::shares_of(kWho, options))
          .parts(options.seed()),
      options);
}

std::vector<at::Tensor> stratified(RowLabels labels, int64_t k, uint64_t seed) {
  const auto rows = static_cast<int64_t>(labels.of_row.size());
  return Stratification(
             std::move(labels),
             detail::shares_of_folds("stratified_folds", k, rows))
      .parts(seed);
}

} // namespace

Split stratified_split(const at::Tensor& classes, const SplitOptions& options) {
  return stratified(labels_of_classes("stratified_split", classes), options);
}

Split stratified_split(
    const Batch::Targets& targets, const SplitOptions& options) {
  return stratified(labels_of_targets("stratified_split", targets), options);
}

std::vector<at::Tensor> stratified_folds(
    const at::Tensor& classes, int64_t k, uint64_t seed) {
  return stratified(labels_of_classes("stratified_folds", classes), k, seed);
}

std::vector<at::Tensor> stratified_folds(
    const Batch::Targets& targets, int64_t k, uint64_t seed) {
  return stratified(labels_of_targets("stratified_folds", targets), k, seed);
}

} // namespace polytask::data
