// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace polytask::fit::detail {

/// A text of anybody's as HTML shows it, in attributes too; lines are kept.
std::string html_text(const std::string& text);

/// A table cell: its HTML, and the class of its element.
struct HtmlCell {
  std::string html;
  std::string kind; // "n" for numbers
};

/// A table that scrolls sideways in a narrow window. All is HTML.
std::string html_table(
    const std::string& caption,
    const std::vector<std::string>& columns,
    const std::vector<std::vector<HtmlCell>>& rows);

/// The style sheet of a page.
extern const char* const kReportStyle;

} // namespace polytask::fit::detail
