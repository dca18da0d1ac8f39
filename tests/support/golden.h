// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include <polytask/balancing/option_value.h>

// Values that other people's implementations gave: one file for each method,
// in each of its cases the inputs and what came of them.
namespace polytask::testing {

/// Named tensors: what a method gave in one step.
using Outputs = std::map<std::string, at::Tensor>;

/// One case of a file.
struct GoldenCase {
  std::string method;
  /// The file's, overridden by the case's; those that are null are left out.
  balancing::OptionValues options;
  /// The case itself, or what it holds for each of several steps.
  std::vector<nlohmann::json> steps;
};

/// Feeds the steps of a case to a fresh method.
using GoldenDriver = std::function<std::vector<Outputs>(const GoldenCase&)>;

/// Makes the method by the file's name; for all that `balancing::make` makes
/// and that needs no model.
std::vector<Outputs> drive_balancing(const GoldenCase& golden);

/// What came of the cases of one file.
struct GoldenReport {
  int64_t cases = 0;
  std::vector<std::string> failures;
  /// Of `gradient`, or of what there is, relative to the largest entry; from
  /// the optimum where the file has it, else from the reference's answer.
  double error = 0;
  /// The same of the reference's answer; nothing where there is no optimum.
  std::optional<double> reference_error;

  int64_t passed() const {
    return cases - static_cast<int64_t>(failures.size());
  }
};

/// Nothing where there is no such file.
std::optional<nlohmann::json> read_golden(const std::string& path);

/// A case passes if each of its steps agrees with the reference's answer within
/// its tolerance, or with the optimum, or reaches an objective that is as good
/// as the reference's, or agrees with another answer that is accepted.
GoldenReport check_golden(
    const nlohmann::json& file, const GoldenDriver& driver = drive_balancing);

/// Numbers of any nesting, in double.
at::Tensor golden_tensor(const nlohmann::json& numbers);

} // namespace polytask::testing
