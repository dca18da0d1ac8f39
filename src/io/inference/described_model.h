// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/data/preparation.h>
#include <polytask/model/multi_task_model.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace polytask::io::detail {

/// What a file for inference says beside the weights.
struct DescribedModel {
  std::vector<std::string> tasks;
  /// Of tasks that have one.
  std::map<std::string, std::string> units;
  std::optional<data::Preparation> preparation;
  /// With weights of no meaning; null where the networks cannot be described.
  MultiTaskModel networks{nullptr};

  /// As JSON, with the model's networks where they can be described.
  std::string text(const MultiTaskModel& model) const;
  /// Of a file with so many weights, by all their names. Throws
  /// `c10::ValueError`, nothing else.
  static DescribedModel parse(const std::string& text, double weights);
};

} // namespace polytask::io::detail
