// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/conflict_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "fit/report/markup.h"
#include "fit/shown_text.h"

namespace polytask::fit::detail {

namespace {

using polytask::detail::cut_to_width;
using polytask::detail::printable;
using polytask::detail::text_width;

constexpr size_t kPrinted = 16; // tasks; more are only coloured
constexpr size_t kLongest = 22; // letters of a name

double pair_of(const at::Tensor& values, size_t row, size_t column) {
  return values.accessor<double, 2>()[static_cast<int64_t>(row)]
                                     [static_cast<int64_t>(column)];
}

std::string percent(double part) {
  return std::isnan(part) ? "-" : fmt::format("{:.0f} %", 100 * part);
}

std::string cosine_text(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.2f}", value);
}

// A field for each pair, with its numbers.
std::string printed_fields(
    const std::vector<std::string>& tasks,
    const at::Tensor& cosines,
    const at::Tensor& rates,
    double left,
    double cell) {
  std::string svg;
  for (size_t i = 0; i < tasks.size(); ++i) {
    for (size_t j = 0; j < tasks.size(); ++j) {
      const double value = pair_of(cosines, i, j);
      const double x = left + cell * static_cast<double>(j);
      const double y = cell * static_cast<double>(i);
      const double strength =
          std::isnan(value) ? 0 : std::min(std::abs(value), 1.0);
      std::string text = fmt::format(
          "{}, {}: {}",
          html_text(tasks[i]),
          html_text(tasks[j]),
          cosine_text(value));
      if (rates.defined() && i != j) {
        text += fmt::format(
            "; in conflict in {} of the steps", percent(pair_of(rates, i, j)));
      }
      svg += fmt::format(
          "<g><title>{}</title><rect class=\"{}\" fill-opacity=\"{:.2f}\" "
          "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>"
          "<text class=\"m{}\" x=\"{}\" y=\"{}\">{}</text></g>\n",
          text,
          value < 0 ? "neg" : "pos",
          strength,
          x,
          y,
          cell - 1,
          cell - 1,
          strength > 0.55 ? " w" : "",
          x + cell / 2,
          y + cell / 2 + 4,
          cosine_text(value));
    }
  }
  return svg;
}

// All fields of about one colour are one path: a field for each pair would be
// megabytes.
std::string coloured_fields(
    const std::vector<std::string>& tasks,
    const at::Tensor& cosines,
    double left,
    double cell) {
  constexpr int kLevels = 10;
  std::map<int, std::string> paths;
  for (size_t i = 0; i < tasks.size(); ++i) {
    for (size_t j = 0; j < tasks.size(); ++j) {
      const double value = pair_of(cosines, i, j);
      const int level = std::isnan(value)
          ? 0
          : static_cast<int>(
                std::lround(std::clamp(value, -1.0, 1.0) * kLevels));
      if (level != 0) {
        paths[level] += fmt::format("M{} {}.5h1", j, i);
      }
    }
  }
  std::string svg =
      fmt::format("<g transform=\"translate({} 0) scale({})\">", left, cell);
  for (const auto& [level, path] : paths) {
    svg += fmt::format(
        "<path class=\"{}\" stroke-opacity=\"{:.1f}\" d=\"{}\"/>\n",
        level < 0 ? "neg" : "pos",
        std::abs(level) / static_cast<double>(kLevels),
        path);
  }
  svg += "</g>";
  for (size_t i = 0; i < tasks.size(); ++i) {
    size_t worst = i;
    for (size_t j = 0; j < tasks.size(); ++j) {
      const double value = pair_of(cosines, i, j);
      const double least = pair_of(cosines, i, worst);
      if (j != i && !std::isnan(value) &&
          (worst == i || std::isnan(least) || value < least)) {
        worst = j;
      }
    }
    const std::string other = worst == i
        ? ""
        : fmt::format(
              "; least with {}: {}",
              html_text(tasks[worst]),
              cosine_text(pair_of(cosines, i, worst)));
    svg += fmt::format(
        "<rect class=\"h\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">"
        "<title>{}{}</title></rect>\n",
        left,
        cell * static_cast<double>(i),
        cell * static_cast<double>(tasks.size()),
        cell,
        html_text(tasks[i]),
        other);
  }
  return svg;
}

std::string most_opposed(
    const std::vector<std::string>& tasks,
    const at::Tensor& cosines,
    const at::Tensor& rates) {
  constexpr size_t kPairs = 10;
  struct Pair {
    double cosine;
    size_t first;
    size_t second;
  };
  std::vector<Pair> pairs;
  for (size_t i = 0; i < tasks.size(); ++i) {
    for (size_t j = i + 1; j < tasks.size(); ++j) {
      const double value = pair_of(cosines, i, j);
      if (value < 0) {
        pairs.push_back({value, i, j});
      }
    }
  }
  if (pairs.empty()) {
    return "<p>No two tasks are opposed in the mean.</p>\n";
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return a.cosine < b.cosine;
  });
  pairs.resize(std::min(pairs.size(), kPairs));
  std::vector<std::string> columns{"Task", "Other task", "Mean cosine"};
  if (rates.defined()) {
    columns.emplace_back("Steps in conflict");
  }
  std::vector<std::vector<HtmlCell>> rows;
  for (const auto& pair : pairs) {
    auto& row = rows.emplace_back();
    row.push_back({html_text(tasks[pair.first]), ""});
    row.push_back({html_text(tasks[pair.second]), ""});
    row.push_back({cosine_text(pair.cosine), "n"});
    if (rates.defined()) {
      row.push_back({percent(pair_of(rates, pair.first, pair.second)), "n"});
    }
  }
  return html_table("The most opposed pairs", columns, rows);
}

} // namespace

std::string conflict_map(
    const std::vector<std::string>& tasks,
    const at::Tensor& cosines,
    const at::Tensor& rates) {
  const bool is_printed = tasks.size() <= kPrinted;
  const auto count = static_cast<double>(tasks.size());
  const double cell = is_printed ? 44 : std::max(6.0, std::floor(800 / count));
  const bool has_names = cell >= 11;
  std::vector<std::string> names;
  size_t longest = 0;
  for (const auto& task : tasks) {
    names.push_back(cut_to_width(printable(task), kLongest));
    longest = std::max(longest, text_width(names.back()));
  }
  const double left = has_names ? 12 + 6 * static_cast<double>(longest) : 0;
  const double side = cell * count;
  std::string svg = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\"><svg class=\"map\" "
      "viewBox=\"-8 -8 {0} {1}\" style=\"width:{0}px;max-width:none\" "
      "role=\"img\" aria-label=\"Mean cosines of the tasks' gradients\">\n",
      left + side + 16,
      left + side + 16);
  svg += is_printed ? printed_fields(tasks, cosines, rates, left, cell)
                    : coloured_fields(tasks, cosines, left, cell);
  for (size_t i = 0; has_names && i < names.size(); ++i) {
    const double middle = cell * (static_cast<double>(i) + 0.5);
    svg += fmt::format(
        "<text class=\"e\" x=\"{0}\" y=\"{1}\">{2}</text>"
        "<text class=\"e\" transform=\"translate({3} {4}) rotate(-90)\">{2}"
        "</text>\n",
        left - 6,
        middle + 4,
        html_text(names[i]),
        left + middle + 4,
        side + 6);
  }
  return svg + "</svg></div>\n" + most_opposed(tasks, cosines, rates);
}

} // namespace polytask::fit::detail
