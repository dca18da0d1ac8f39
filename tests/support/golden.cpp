// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/golden.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/golden_objective.h"

namespace polytask::testing {

using nlohmann::json;

namespace {

struct Tolerance {
  double rtol;
  double atol;
};

Tolerance golden_tolerance(
    const json& holder, const std::string& field, Tolerance otherwise) {
  if (!holder.contains("tolerance")) {
    return otherwise;
  }
  const json& tolerance = holder["tolerance"];
  const json& entry =
      tolerance.contains("fields") && tolerance["fields"].contains(field)
      ? tolerance["fields"][field]
      : tolerance;
  return {entry["rtol"].get<double>(), entry["atol"].get<double>()};
}

double largest(const at::Tensor& values) {
  return values.numel() == 0 ? 0 : at::abs(values).max().item<double>();
}

/// Infinite where the shapes differ or something is not a number.
double distance(const at::Tensor& actual, const at::Tensor& expected) {
  if (actual.numel() != expected.numel()) {
    return std::numeric_limits<double>::infinity();
  }
  const double apart =
      largest(actual.to(at::kDouble).reshape({-1}) - expected.reshape({-1}));
  return std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
}

/// In these files, `weights` are not those of the rows.
bool has_inner_weights(const std::string& method) {
  return method == "cagrad_libmtl" || method == "mgda_libmtl" ||
      method == "imtl_libmtl";
}

/// What to compare of an answer.
std::vector<std::string> compared_fields(
    const std::string& method, const json& answer, const Outputs& outputs) {
  std::vector<std::string> fields;
  for (const auto& [name, value] : answer.items()) {
    const bool skipped = name == "weights" && has_inner_weights(method);
    if (value.is_array() || value.is_number()) {
      if (outputs.contains(name) && !skipped) {
        fields.push_back(name);
      }
    }
  }
  return fields;
}

/// Empty if all agrees; else the first that does not.
std::string difference(
    const json& answer,
    const std::vector<std::string>& fields,
    const Outputs& outputs,
    const std::function<Tolerance(const std::string&)>& tolerance) {
  if (fields.empty()) {
    return "nothing to compare";
  }
  for (const auto& field : fields) {
    const at::Tensor expected = golden_tensor(answer[field]);
    const double apart = distance(outputs.at(field), expected);
    const auto [rtol, atol] = tolerance(field);
    const double allowed = atol + rtol * largest(expected);
    if (!(apart <= allowed)) {
      std::ostringstream said;
      said << field << " is off by " << apart << ", allowed are " << allowed;
      return said.str();
    }
  }
  return "";
}

/// The four ways of passing; empty if one holds.
std::string refusal(
    const GoldenCase& golden,
    const json& whole,
    const json& step,
    const Outputs& outputs) {
  const json& expected = step["expected"];
  const auto of_case = [&](const std::string& field) {
    return golden_tolerance(whole, field, {1e-6, 1e-9});
  };
  std::string first = difference(
      expected,
      compared_fields(golden.method, expected, outputs),
      outputs,
      of_case);
  if (first.empty()) {
    return first;
  }
  if (step.contains("optimum")) {
    const json& optimum = step["optimum"];
    std::vector<std::string> fields;
    for (const auto& field : compared_fields(golden.method, optimum, outputs)) {
      if (field == "weights" || field == "gradient") {
        fields.push_back(field);
      }
    }
    const auto of_optimum = [&](const std::string& field) {
      return golden_tolerance(optimum, field, {1e-6, of_case(field).atol});
    };
    const bool is_optimal =
        difference(optimum, fields, outputs, of_optimum).empty();
    if (is_optimal || reaches_objective(golden, step, outputs)) {
      return "";
    }
  }
  for (const json& other : step.value("also_accept", json::array())) {
    const auto loose = [](const std::string&) { return Tolerance{1e-6, 1e-9}; };
    if (difference(
            other,
            compared_fields(golden.method, other, outputs),
            outputs,
            loose)
            .empty()) {
      return "";
    }
  }
  return first;
}

/// Updates the report's errors by a step.
void measure(
    const std::string& method,
    const json& step,
    const Outputs& outputs,
    GoldenReport& report) {
  const json& expected = step["expected"];
  const bool has_optimum =
      step.contains("optimum") && step["optimum"].contains("gradient");
  const json& target = has_optimum ? step["optimum"] : expected;
  for (const char* field :
       {"gradient",
        "representation_gradient",
        "loss_gradient",
        "weights",
        "W"}) {
    const bool skipped =
        has_inner_weights(method) && std::string(field) == "weights";
    if (!target.contains(field) || !outputs.contains(field) || skipped) {
      continue;
    }
    const at::Tensor best = golden_tensor(target[field]);
    double scale = largest(best);
    // Where the answer vanishes, relative to what it is made of.
    if (scale < 1e-9 && step.contains("jacobian")) {
      scale = largest(golden_tensor(step["jacobian"]));
    }
    scale = scale > 0 ? scale : 1;
    report.error =
        std::max(report.error, distance(outputs.at(field), best) / scale);
    if (has_optimum && expected.contains(field)) {
      report.reference_error = std::max(
          report.reference_error.value_or(0),
          distance(golden_tensor(expected[field]), best) / scale);
    }
    return;
  }
}

void flatten(const json& numbers, std::vector<double>& into) {
  if (numbers.is_array()) {
    for (const json& inner : numbers) {
      flatten(inner, into);
    }
  } else {
    into.push_back(numbers.get<double>());
  }
}

void read_options(const json& holder, balancing::OptionValues& options) {
  if (!holder.contains("hyperparameters")) {
    return;
  }
  for (const auto& [name, value] : holder["hyperparameters"].items()) {
    options.erase(name);
    if (value.is_number()) {
      options.emplace(name, value.get<double>());
    } else if (value.is_array()) {
      options.emplace(name, value.get<std::vector<double>>());
    } else if (value.is_string()) {
      const auto word = value.get<std::string>();
      // A remark in place of a value, as in "one per task".
      if (word.find(' ') == std::string::npos) {
        options.emplace(name, word);
      }
    }
  }
}

std::string case_refusal(
    const GoldenCase& golden,
    const json& whole,
    const GoldenDriver& driver,
    GoldenReport& report) {
  std::vector<Outputs> outputs;
  try {
    outputs = driver(golden);
  } catch (const std::exception& error) {
    const std::string message = error.what();
    return message.substr(0, message.find('\n'));
  }
  std::string first;
  for (size_t step = 0; step < golden.steps.size(); ++step) {
    measure(golden.method, golden.steps[step], outputs[step], report);
    const auto said = refusal(golden, whole, golden.steps[step], outputs[step]);
    if (first.empty() && !said.empty()) {
      first = "step " + std::to_string(step) + ": " + said;
    }
  }
  return first;
}

} // namespace

at::Tensor golden_tensor(const json& numbers) {
  std::vector<double> values;
  flatten(numbers, values);
  std::vector<int64_t> shape;
  for (const json* level = &numbers; level->is_array();) {
    shape.push_back(static_cast<int64_t>(level->size()));
    if (level->empty()) {
      break;
    }
    level = &level->front();
  }
  return at::tensor(values, at::kDouble).reshape(shape);
}

std::optional<json> read_golden(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return std::nullopt;
  }
  return json::parse(file);
}

GoldenReport check_golden(const json& file, const GoldenDriver& driver) {
  GoldenReport report;
  for (const json& whole : file["cases"]) {
    GoldenCase golden{file["method"].get<std::string>(), {}, {}};
    read_options(file, golden.options);
    read_options(whole, golden.options);
    if (whole.contains("sequence")) {
      golden.steps = whole["sequence"].get<std::vector<json>>();
    } else {
      golden.steps = {whole};
    }
    ++report.cases;
    const auto said = case_refusal(golden, whole, driver, report);
    if (!said.empty()) {
      report.failures.push_back(whole["name"].get<std::string>() + ": " + said);
    }
  }
  return report;
}

} // namespace polytask::testing
