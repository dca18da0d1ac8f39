// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "core/check.h"
#include "core/json_checks.h"

#include "preparation_state.h"
#include "text_scanner.h"

namespace polytask::data {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kPreparationJsonVersion = 1;
// By the numbers of PreparationTarget::Kind.
constexpr std::array<const char*, 3> kKindNames = {"number", "class", "binary"};

Json json_of_coding(const detail::ColumnCoding& coding) {
  return {
      {"column", coding.column},
      {"categories", coding.vocabulary},
      {"of_numbers", coding.of_numbers},
      {"has_missing", coding.has_missing}};
}

Json json_of_codings(const std::vector<detail::ColumnCoding>& codings) {
  Json list = Json::array();
  for (const auto& coding : codings) {
    list.push_back(json_of_coding(coding));
  }
  return list;
}

Json json_of_target(const detail::TargetCoding& target) {
  const bool is_number = target.kind == PreparationTarget::Kind::kNumber;
  Json json = {
      {"column", target.column},
      {"kind", kKindNames.at(static_cast<size_t>(target.kind))}};
  if (is_number) {
    json["mean"] = target.shift;
    json["scale"] = target.scale;
  } else {
    json["categories"] = target.classes.vocabulary;
    json["of_numbers"] = target.classes.of_numbers;
  }
  if (target.kind == PreparationTarget::Kind::kBinary) {
    json["positive"] =
        target.classes.vocabulary.at(static_cast<size_t>(target.positive));
  }
  return json;
}

double finite(const Json& json, const char* key, double least) {
  const auto number = json.at(key).get<double>();
  TORCH_CHECK_VALUE(
      std::isfinite(number) && number >= least,
      "expected a finite '",
      key,
      "' of at least ",
      least,
      ", but got ",
      number,
      ".");
  return number;
}

constexpr double kLeastDouble = std::numeric_limits<double>::lowest();

// They are looked up by halves.
void check_ascending(const detail::ColumnCoding& coding) {
  std::optional<double> last;
  for (const auto& category : coding.vocabulary) {
    const auto number = detail::parse_number(category);
    TORCH_CHECK_VALUE(
        number && !std::isnan(*number) && (!last || *number > *last),
        "column '",
        coding.column,
        "': expected ascending numbers as categories, but found '",
        category,
        "'.");
    last = number;
  }
}

detail::ColumnCoding coding_of_json(const Json& json) {
  detail::ColumnCoding coding{
      json.at("column").get<std::string>(),
      json.at("categories").get<std::vector<std::string>>(),
      json.at("of_numbers").get<bool>(),
      json.value("has_missing", false)};
  std::unordered_set<std::string> seen;
  for (const auto& category : coding.vocabulary) {
    TORCH_CHECK_VALUE(
        seen.insert(category).second,
        "column '",
        coding.column,
        "' has the category '",
        category,
        "' twice.");
  }
  TORCH_CHECK_VALUE(
      !coding.vocabulary.empty(),
      "column '",
      coding.column,
      "' has no category.");
  if (coding.of_numbers) {
    check_ascending(coding);
  }
  return coding;
}

std::vector<detail::ColumnCoding> codings_of_json(const Json& list) {
  std::vector<detail::ColumnCoding> codings;
  for (const auto& json : list) {
    codings.push_back(coding_of_json(json));
  }
  return codings;
}

detail::TargetCoding target_of_json(const Json& json) {
  const auto kind = json.at("kind").get<std::string>();
  const auto* const found =
      std::find(kKindNames.begin(), kKindNames.end(), kind);
  TORCH_CHECK_VALUE(
      found != kKindNames.end(), "no target is of the kind '", kind, "'.");
  detail::TargetCoding target;
  target.column = json.at("column").get<std::string>();
  target.kind =
      static_cast<PreparationTarget::Kind>(found - kKindNames.begin());
  if (target.kind == PreparationTarget::Kind::kNumber) {
    target.shift = finite(json, "mean", kLeastDouble);
    target.scale = finite(json, "scale", 0);
    return target;
  }
  target.classes = coding_of_json(json);
  if (target.kind == PreparationTarget::Kind::kBinary) {
    const auto& all = target.classes.vocabulary;
    const auto place = std::find(
        all.begin(), all.end(), json.at("positive").get<std::string>());
    TORCH_CHECK_VALUE(
        place != all.end(),
        "target '",
        target.column,
        "' lacks its positive class.");
    target.positive = place - all.begin();
  }
  return target;
}

// Into a state of no column.
void read_numbers(
    const Json& list,
    std::vector<std::string>& columns,
    std::vector<int64_t>& indicated,
    Standardizer& standardizer) {
  std::vector<double> means;
  std::vector<double> scales;
  for (const auto& json : list) {
    if (json.value("indicator", false)) {
      indicated.push_back(static_cast<int64_t>(columns.size()));
    }
    columns.push_back(json.at("column").get<std::string>());
    means.push_back(finite(json, "mean", kLeastDouble));
    scales.push_back(finite(json, "scale", 0));
  }
  standardizer = Standardizer(
      at::tensor(means, at::kDouble),
      at::tensor(scales, at::kDouble),
      StandardizerOptions().impute(true));
}

} // namespace

std::string Preparation::json() const {
  const State& fitted = state("json");
  Json numbers = Json::array();
  for (size_t i = 0; i < fitted.numbers.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    numbers.push_back(
        {{"column", fitted.numbers[i]},
         {"mean", fitted.standardizer.mean()[place].item<double>()},
         {"scale", fitted.standardizer.scale()[place].item<double>()},
         {"indicator",
          std::find(fitted.indicated.begin(), fitted.indicated.end(), place) !=
              fitted.indicated.end()}});
  }
  Json targets = Json::array();
  for (const auto& target : fitted.targets) {
    targets.push_back(json_of_target(target));
  }
  const Json all = {
      {"version", kPreparationJsonVersion},
      {"numbers", numbers},
      {"clip", fitted.clip},
      {"one_hot", json_of_codings(fitted.one_hot)},
      {"ids", json_of_codings(fitted.ids)},
      {"targets", targets},
      {"ignore_unknown_classes", fitted.ignore_unknown_classes}};
  try {
    return all.dump();
  } catch (const nlohmann::json::exception& error) {
    TORCH_CHECK_VALUE(
        false, "Preparation: json: a text is not UTF-8: ", error.what());
  }
}

Preparation Preparation::from_json(const std::string& text) {
  auto read = std::make_shared<State>();
  try {
    const Json all = Json::parse(text);
    const int64_t version = detail::json_integer(all.at("version"));
    TORCH_CHECK_VALUE(
        version == kPreparationJsonVersion,
        "it is of version ",
        version,
        "; this polytask reads version ",
        kPreparationJsonVersion,
        ".");
    read_numbers(
        all.at("numbers"), read->numbers, read->indicated, read->standardizer);
    read->clip = finite(all, "clip", 0);
    read->one_hot = codings_of_json(all.at("one_hot"));
    read->ids = codings_of_json(all.at("ids"));
    for (const auto& target : all.at("targets")) {
      read->targets.push_back(target_of_json(target));
    }
    read->ignore_unknown_classes = all.at("ignore_unknown_classes").get<bool>();
  } catch (const nlohmann::json::exception& error) {
    TORCH_CHECK_VALUE(
        false,
        "Preparation: from_json: expected what Preparation::json gives: ",
        error.what());
  } catch (const c10::Error&) {
    detail::rethrow_with("Preparation: from_json: ");
  }
  TORCH_CHECK_VALUE(
      !read->numbers.empty() || !read->one_hot.empty() || !read->ids.empty(),
      "Preparation: from_json: it has no input.");
  Preparation preparation;
  preparation.state_ = std::move(read);
  return preparation;
}

} // namespace polytask::data
