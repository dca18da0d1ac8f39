// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/history.h>

#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/archive.h"
#include "core/check.h"
#include "core/csv_cell.h"
#include "core/write_file.h"

namespace polytask::fit {

namespace {

constexpr int64_t kHistoryVersion = 1;

void add_new(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(name);
  }
}

// RFC 8259.
std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char symbol : text) {
    if (symbol == '"' || symbol == '\\') {
      quoted += '\\';
      quoted += symbol;
    } else if (static_cast<unsigned char>(symbol) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<int>(symbol));
    } else {
      quoted += symbol;
    }
  }
  return quoted + '"';
}

std::string json_number(double number) {
  return std::isfinite(number) ? fmt::format("{}", number) : "null";
}

template <typename Number>
at::Tensor as_tensor(std::vector<Number>& numbers, at::ScalarType type) {
  return at::from_blob(
             numbers.data(), {static_cast<int64_t>(numbers.size())}, type)
      .clone();
}

// Of a tensor that an archive held.
template <typename Number>
std::vector<Number> numbers_of(
    const at::Tensor& tensor, at::ScalarType type, size_t count) {
  TORCH_CHECK_VALUE(
      tensor.scalar_type() == type && tensor.dim() == 1 &&
          tensor.numel() == static_cast<int64_t>(count),
      "History: expected ",
      count,
      " numbers of dtype ",
      type,
      " in the archive, but found ",
      tensor.scalar_type(),
      " ",
      tensor.sizes(),
      ".");
  const at::Tensor there = tensor.to(at::kCPU).contiguous();
  const auto* first = there.const_data_ptr<Number>();
  return std::vector<Number>(first, first + count);
}

} // namespace

void History::add(HistoryRecord record) {
  records_.push_back(std::move(record));
}

std::vector<std::string> History::splits() const {
  std::vector<std::string> splits;
  for (const auto& record : records_) {
    add_new(splits, record.split);
  }
  return splits;
}

std::vector<std::string> History::names(const std::string& split) const {
  std::vector<std::string> names;
  std::unordered_map<std::string, bool> seen;
  for (const auto& record : records_) {
    if (record.split != split) {
      continue;
    }
    for (const auto& [name, value] : record.values) {
      if (seen.emplace(name, true).second) {
        names.push_back(name);
      }
    }
  }
  return names;
}

std::vector<History::Point> History::curve(
    const std::string& split, const std::string& name) const {
  std::vector<Point> curve;
  for (const auto& record : records_) {
    if (record.split != split) {
      continue;
    }
    for (const auto& [key, value] : record.values) {
      if (key == name) {
        curve.emplace_back(record.step, value);
        break;
      }
    }
  }
  return curve;
}

double History::last(const std::string& split, const std::string& name) const {
  const auto points = curve(split, name);
  if (!points.empty()) {
    return points.back().second;
  }
  TORCH_CHECK_VALUE(
      false,
      "History: there is no '",
      name,
      "' of '",
      split,
      "'; there are ",
      polytask::detail::quoted(names(split)),
      " of it, and the splits ",
      polytask::detail::quoted(splits()),
      ".");
}

History::Point History::best(
    const std::string& split,
    const std::string& name,
    bool higher_is_better) const {
  last(split, name); // throws where there is none
  std::optional<Point> best;
  for (const auto& point : curve(split, name)) {
    if (!std::isnan(point.second) &&
        (!best ||
         (higher_is_better ? point.second > best->second
                           : point.second < best->second))) {
      best = point;
    }
  }
  TORCH_CHECK_VALUE(
      best, "History: every '", name, "' of '", split, "' is NaN.");
  return *best;
}

void History::write_csv(const std::string& path) const {
  std::string text = "epoch,step,seconds,split,name,value\n";
  for (const auto& record : records_) {
    const std::string start = fmt::format(
        "{},{},{},{},",
        record.epoch,
        record.step,
        record.seconds,
        polytask::detail::csv_cell(record.split));
    for (const auto& [name, value] : record.values) {
      text += fmt::format(
          "{}{},{}\n", start, polytask::detail::csv_cell(name), value);
    }
  }
  polytask::detail::write_file("History", path, text);
}

void History::write_json_lines(const std::string& path) const {
  std::string text;
  for (const auto& record : records_) {
    text += fmt::format(
        R"({{"epoch": {}, "step": {}, "seconds": {}, "split": {}, "values": {{)",
        record.epoch,
        record.step,
        json_number(record.seconds),
        json_text(record.split));
    const char* between = "";
    for (const auto& [name, value] : record.values) {
      text +=
          fmt::format("{}{}: {}", between, json_text(name), json_number(value));
      between = ", ";
    }
    text += "}}\n";
  }
  polytask::detail::write_file("History", path, text);
}

// Names come again and again: they are written once, and by their place.
void History::save(torch::serialize::OutputArchive& archive) const {
  std::vector<std::string> names;
  std::unordered_map<std::string, int64_t> places;
  const auto place = [&](const std::string& name) {
    const auto [entry, is_new] =
        places.emplace(name, static_cast<int64_t>(names.size()));
    if (is_new) {
      names.push_back(name);
    }
    return entry->second;
  };
  std::vector<int64_t> heads; // epoch, step, split, count of each record
  std::vector<double> seconds;
  std::vector<int64_t> keys;
  std::vector<double> values;
  for (const auto& record : records_) {
    heads.insert(
        heads.end(),
        {record.epoch,
         record.step,
         place(record.split),
         static_cast<int64_t>(record.values.size())});
    seconds.push_back(record.seconds);
    for (const auto& [name, value] : record.values) {
      keys.push_back(place(name));
      values.push_back(value);
    }
  }
  archive.write("history", c10::IValue(kHistoryVersion));
  archive.write("records", c10::IValue(static_cast<int64_t>(records_.size())));
  archive.write("value_count", c10::IValue(static_cast<int64_t>(keys.size())));
  archive.write("stop_reason", c10::IValue(stop_reason_));
  polytask::detail::write_texts(archive, "names", names);
  archive.write("heads", as_tensor(heads, at::kLong));
  archive.write("seconds", as_tensor(seconds, at::kDouble));
  archive.write("keys", as_tensor(keys, at::kLong));
  archive.write("values", as_tensor(values, at::kDouble));
}

void History::load(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, "History");
  const int64_t version = reader.integer("history");
  TORCH_CHECK_VALUE(
      version == kHistoryVersion,
      "History: expected an archive of version ",
      kHistoryVersion,
      ", but found ",
      version,
      ", of a newer polytask.");
  const auto count = static_cast<size_t>(reader.integer("records"));
  const auto value_count = static_cast<size_t>(reader.integer("value_count"));
  const auto names = reader.texts("names");
  const auto heads =
      numbers_of<int64_t>(reader.tensor("heads"), at::kLong, 4 * count);
  const auto seconds =
      numbers_of<double>(reader.tensor("seconds"), at::kDouble, count);
  const auto keys =
      numbers_of<int64_t>(reader.tensor("keys"), at::kLong, value_count);
  const auto values =
      numbers_of<double>(reader.tensor("values"), at::kDouble, value_count);
  History read;
  read.stop_reason_ = reader.text("stop_reason");
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    HistoryRecord record{
        heads[4 * i],
        heads[4 * i + 1],
        seconds[i],
        names.at(static_cast<size_t>(heads[4 * i + 2])),
        {}};
    for (int64_t k = 0; k < heads[4 * i + 3]; ++k, ++next) {
      record.values.emplace_back(
          names.at(static_cast<size_t>(keys.at(next))), values.at(next));
    }
    read.records_.push_back(std::move(record));
  }
  *this = std::move(read);
}

} // namespace polytask::fit
