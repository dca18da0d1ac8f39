// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <utility>

#include "archive_kind.h"
#include "preparation_state.h"

namespace polytask::data {

namespace {

constexpr const char* kPreparationKind = "polytask::data::Preparation";
constexpr int64_t kPreparationVersion = 1;

// Lists under one name, of which each coding has a part.
void write_codings(
    torch::serialize::OutputArchive& archive,
    const std::string& key,
    const std::vector<detail::ColumnCoding>& codings) {
  std::vector<std::string> columns;
  std::vector<std::string> categories;
  std::vector<int64_t> sizes;
  std::vector<int64_t> of_numbers;
  std::vector<int64_t> has_missing;
  for (const auto& coding : codings) {
    columns.push_back(coding.column);
    categories.insert(
        categories.end(), coding.vocabulary.begin(), coding.vocabulary.end());
    sizes.push_back(static_cast<int64_t>(coding.vocabulary.size()));
    of_numbers.push_back(int64_t{coding.of_numbers});
    has_missing.push_back(int64_t{coding.has_missing});
  }
  detail::write_texts(archive, key, columns);
  detail::write_texts(archive, key + "_categories", categories);
  archive.write(key + "_sizes", c10::IValue(sizes));
  archive.write(key + "_of_numbers", c10::IValue(of_numbers));
  archive.write(key + "_has_missing", c10::IValue(has_missing));
}

void check_archive(bool good, const std::string& key) {
  TORCH_CHECK_VALUE(
      good,
      "Preparation: expected lists that fit together in the archive, but '",
      key,
      "' does not fit the others.");
}

std::vector<detail::ColumnCoding> read_codings(
    const detail::ArchiveReader& reader, const std::string& key) {
  const auto columns = reader.texts(key);
  const auto categories = reader.texts(key + "_categories");
  const auto sizes = reader.integers(key + "_sizes");
  const auto of_numbers = reader.integers(key + "_of_numbers");
  const auto has_missing = reader.integers(key + "_has_missing");
  check_archive(
      sizes.size() == columns.size() && of_numbers.size() == columns.size() &&
          has_missing.size() == columns.size(),
      key);
  std::vector<detail::ColumnCoding> codings;
  auto next = categories.begin();
  for (size_t i = 0; i < columns.size(); ++i) {
    check_archive(
        sizes[i] >= 0 && sizes[i] <= categories.end() - next,
        key + "_categories");
    codings.push_back(
        {columns[i],
         {next, next + sizes[i]},
         of_numbers[i] != 0,
         has_missing[i] != 0});
    next += sizes[i];
  }
  check_archive(next == categories.end(), key + "_categories");
  return codings;
}

void write_targets(
    torch::serialize::OutputArchive& archive,
    const std::vector<detail::TargetCoding>& targets) {
  std::vector<detail::ColumnCoding> classes;
  std::vector<int64_t> kinds;
  std::vector<int64_t> positives;
  std::vector<double> scales;
  std::vector<double> shifts;
  for (const auto& target : targets) {
    classes.push_back(target.classes);
    classes.back().column = target.column;
    kinds.push_back(static_cast<int64_t>(target.kind));
    positives.push_back(target.positive);
    scales.push_back(target.scale);
    shifts.push_back(target.shift);
  }
  write_codings(archive, "targets", classes);
  archive.write("target_kinds", c10::IValue(kinds));
  archive.write("target_positives", c10::IValue(positives));
  archive.write("target_scales", c10::IValue(scales));
  archive.write("target_shifts", c10::IValue(shifts));
}

std::vector<detail::TargetCoding> read_targets(
    const detail::ArchiveReader& reader) {
  using Kind = detail::TargetCoding::Kind;
  auto classes = read_codings(reader, "targets");
  const auto kinds = reader.integers("target_kinds");
  const auto positives = reader.integers("target_positives");
  const auto scales = reader.numbers("target_scales");
  const auto shifts = reader.numbers("target_shifts");
  const size_t count = classes.size();
  check_archive(
      kinds.size() == count && positives.size() == count &&
          scales.size() == count && shifts.size() == count,
      "targets");
  std::vector<detail::TargetCoding> targets;
  for (size_t i = 0; i < count; ++i) {
    const bool is_number = kinds[i] == static_cast<int64_t>(Kind::kNumber);
    check_archive(
        kinds[i] >= 0 && kinds[i] <= static_cast<int64_t>(Kind::kBinary) &&
            (is_number ||
             (positives[i] >= 0 && positives[i] < classes[i].size())),
        "target_kinds");
    const std::string column = classes[i].column;
    targets.push_back(
        {column,
         static_cast<Kind>(kinds[i]),
         scales[i],
         shifts[i],
         std::move(classes[i]),
         positives[i]});
  }
  return targets;
}

} // namespace

void Preparation::save(torch::serialize::OutputArchive& archive) const {
  const State& fitted = state("save");
  detail::write_kind(archive, kPreparationKind, kPreparationVersion);
  const bool has_numbers = !fitted.numbers.empty();
  const at::Tensor none = at::zeros({0}, at::kDouble);
  detail::write_texts(archive, "numbers", fitted.numbers);
  archive.write("mean", has_numbers ? fitted.standardizer.mean() : none, true);
  archive.write(
      "scale", has_numbers ? fitted.standardizer.scale() : none, true);
  archive.write("indicated", c10::IValue(fitted.indicated));
  write_codings(archive, "one_hot", fitted.one_hot);
  write_codings(archive, "ids", fitted.ids);
  write_targets(archive, fitted.targets);
  archive.write("clip", c10::IValue(fitted.clip));
  archive.write(
      "ignore_unknown_classes",
      c10::IValue(int64_t{fitted.ignore_unknown_classes}));
}

void Preparation::load(torch::serialize::InputArchive& archive) {
  const detail::ArchiveReader reader = detail::reader_of(
      archive, "Preparation", kPreparationKind, kPreparationVersion);
  auto loaded = std::make_shared<State>();
  loaded->numbers = reader.texts("numbers");
  const auto count = static_cast<int64_t>(loaded->numbers.size());
  loaded->standardizer = Standardizer(
      reader.tensor("mean"),
      reader.tensor("scale"),
      StandardizerOptions().impute(true));
  check_archive(loaded->standardizer.width() == count, "mean");
  loaded->indicated = reader.integers("indicated");
  for (const int64_t place : loaded->indicated) {
    check_archive(place >= 0 && place < count, "indicated");
  }
  loaded->one_hot = read_codings(reader, "one_hot");
  loaded->ids = read_codings(reader, "ids");
  loaded->targets = read_targets(reader);
  loaded->clip = reader.has("clip") ? reader.number("clip") : 0;
  loaded->ignore_unknown_classes =
      reader.integer("ignore_unknown_classes") != 0;
  state_ = std::move(loaded);
}

} // namespace polytask::data
