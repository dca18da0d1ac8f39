// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/markup.h"

#include <algorithm>

#include "fit/shown_text.h"

namespace polytask::fit::detail {

namespace {

void add_escaped(std::string& to, const std::string& text) {
  for (const char symbol : text) {
    switch (symbol) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&quot;";
        break;
      case '\'':
        to += "&#39;";
        break;
      default:
        to += symbol;
    }
  }
}

} // namespace

std::string html_text(const std::string& text) {
  std::string html;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    add_escaped(
        html, polytask::detail::printable(text.substr(begin, end - begin)));
    if (end < text.size()) {
      html += '\n';
    }
    begin = end + 1;
  }
  return html;
}

std::string html_table(
    const std::string& caption,
    const std::vector<std::string>& columns,
    const std::vector<std::vector<HtmlCell>>& rows) {
  constexpr size_t kTall = 24; // rows; more are scrolled under their titles
  std::string html = std::string("<div class=\"scroll") +
      (rows.size() > kTall ? " tall" : "") + R"(" tabindex="0"><table>)";
  if (!caption.empty()) {
    html += "<caption>" + caption + "</caption>";
  }
  html += "<thead><tr>";
  for (size_t i = 0; i < columns.size(); ++i) {
    // Titles stand as the first row's cells do.
    const bool is_number =
        !rows.empty() && i < rows[0].size() && rows[0][i].kind[0] == 'n';
    html += is_number ? R"(<th scope="col" class="n">)" : "<th scope=\"col\">";
    html += columns[i] + "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string kind =
          row[i].kind.empty() ? "" : " class=\"" + row[i].kind + "\"";
      html += i == 0 ? "<th scope=\"row\"" + kind + ">" + row[i].html + "</th>"
                     : "<td" + kind + ">" + row[i].html + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

} // namespace polytask::fit::detail
