// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/fit/history.h>
#include <polytask/sharing/sharing.h>

namespace polytask::fit {

/// What is known of a training, for people. Only the history is needed; what is
/// empty is left out of the page.
struct POLYTASK_API Report {
  /// How a task does alone and with the others.
  struct Baseline {
    std::string task;
    std::string metric; // or "loss"
    double alone = 0;
    double joint = 0;
    bool higher_is_better = false;
  };

  struct Table {
    std::string title;
    std::string note;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
  };

  std::string title = "Training";
  /// What was trained and how: names and values, in the order of the page.
  std::vector<std::pair<std::string, std::string>> facts;
  /// Must outlive the report.
  const History* history = nullptr;
  std::vector<std::string> tasks;
  /// By metric ("auc"), or by task and metric ("y1/auc") where tasks differ;
  /// lower is better for what is not here.
  std::map<std::string, bool> higher_is_better;
  /// [T, T], double, on the CPU, as of a `ConflictRecorder`; may be undefined.
  at::Tensor cosines;
  at::Tensor conflict_rates;
  /// How the sharing mixed, as of a `MixingRecorder`.
  std::vector<MixingWeights> mixing;
  /// Shown with Delta-m: the mean over the tasks of by how much the joint value
  /// is better, relative to that alone.
  std::vector<Baseline> baselines;
  std::vector<Table> tables;
};

/// The report as one page of HTML that needs nothing else: no network, no
/// script. Long curves are thinned, with their least and greatest values kept,
/// so that 139 tasks over 10,000 epochs stay below 5 MB. Throws
/// `c10::ValueError` without a history, and on matrices of another size.
POLYTASK_API std::string report_page(const Report& report);

/// Writes the page. Throws, with the path, if it cannot; then the file is what
/// it was.
POLYTASK_API void write_report(const std::string& path, const Report& report);

} // namespace polytask::fit
