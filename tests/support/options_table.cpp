// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/options_table.h"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <map>

namespace polytask::testing {

namespace {

using balancing::OptionValue;
using balancing::detail::Alias;
using balancing::detail::Description;
using balancing::detail::Option;

std::string in_code(const std::string& text) {
  return '`' + text + '`';
}

std::string listed(const std::vector<std::string>& parts) {
  std::string list;
  for (const auto& part : parts) {
    list += (list.empty() ? "" : ", ") + part;
  }
  return list;
}

std::string in_cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\\');
  }
  return text;
}

std::string what_it_may_be(const Option& option) {
  using Kind = Option::Kind;
  switch (option.kind) {
    case Kind::kFlag:
      return "false, true";
    case Kind::kChoice:
      return listed(option.words);
    default:
      break;
  }
  const bool is_whole =
      option.kind == Kind::kInteger || option.kind == Kind::kIntegers;
  const bool is_list =
      option.kind == Kind::kNumbers || option.kind == Kind::kIntegers;
  auto words = option.range.words();
  if (words == "that is finite") {
    words = "any";
  } else if (words.starts_with("of ")) {
    words = words.substr(3);
  }
  return c10::str(
      is_list ? "list" : "",
      is_list ? ", " : "",
      is_whole ? "whole, " : "",
      words);
}

std::string value_words(const Option& option, void* settings) {
  const auto value = option.read(settings);
  const bool is_absent =
      !value || (value->numbers() && value->numbers()->empty());
  if (option.is_required) {
    return "required";
  }
  if (is_absent) {
    return option.otherwise;
  }
  if (option.kind == Option::Kind::kFlag) {
    return *value->number() != 0 ? "true" : "false";
  }
  if (option.may_be_single && value->numbers()->size() == 1) {
    return c10::str(OptionValue(value->numbers()->front()));
  }
  return c10::str(*value);
}

std::string option_rows(const Description& description) {
  const auto settings = description.fresh();
  std::string rows;
  if (description.inner) {
    const auto& inner = *description.inner;
    rows += c10::str(
        "| `",
        inner.option,
        "` | ",
        inner.otherwise.empty() ? "required" : inner.otherwise,
        " | a method's name | ",
        inner.about,
        "; its option `x` is `",
        inner.option,
        ".x`, or `x` where there is none of that name here |\n");
  }
  for (const auto& option : description.options) {
    std::vector<std::string> names = {in_code(option.name)};
    for (const auto& [given, name] : description.also_takes) {
      if (name == option.name) {
        names.push_back(in_code(given));
      }
    }
    rows += c10::str(
        "| ",
        listed(names),
        " | ",
        value_words(option, settings.get()),
        " | ",
        what_it_may_be(option),
        " | ",
        in_cell(option.about),
        " |\n");
  }
  return rows;
}

bool takes_the_same(const Description& description, const Alias& alias) {
  return alias.takes.size() ==
      description.options.size() + description.also_takes.size();
}

/// What an alias takes, and what is otherwise under it than under the method's
/// own name.
std::string alias_line(const Description& description, const Alias& alias) {
  const auto own = description.fresh();
  const auto started = description.fresh();
  alias.start(started.get());
  std::vector<std::string> takes;
  std::vector<std::string> fixed;
  for (const auto& option : description.options) {
    const auto value = value_words(option, started.get());
    const bool differs = value != value_words(option, own.get());
    const auto taken = std::find_if(
        alias.takes.begin(), alias.takes.end(), [&](const auto& each) {
          return each.second == option.name;
        });
    if (taken == alias.takes.end()) {
      if (differs) {
        fixed.push_back(c10::str(in_code(option.name), " = ", value));
      }
    } else if (!takes_the_same(description, alias)) {
      takes.push_back(c10::str(
          in_code(taken->first),
          taken->first == option.name ? ""
                                      : c10::str(" for ", in_code(option.name)),
          " (",
          value,
          ")"));
    } else if (differs) {
      fixed.push_back(
          c10::str(in_code(option.name), " = ", value, " if not given"));
    }
  }
  const bool is_same = takes_the_same(description, alias);
  return c10::str(
      "- ",
      in_code(alias.name),
      is_same             ? " takes the same"
          : takes.empty() ? " takes none"
                          : " takes " + listed(takes),
      fixed.empty() ? "" : "; " + listed(fixed),
      ".\n");
}

std::string name_lines(const Description& description) {
  std::string lines;
  for (const auto& alias : description.aliases) {
    lines += alias_line(description, alias);
  }
  for (const auto& own : description.own_makers) {
    lines += c10::str("- ", in_code(own.name), " takes:\n");
    for (const auto& [name, about] : own.options) {
      lines += c10::str("  - ", in_code(name), ": ", about, ".\n");
    }
  }
  for (const auto& unused : description.unused) {
    lines += c10::str(
        "- ",
        in_code(unused.of),
        " also reads ",
        in_code(unused.name),
        unused.only ? c10::str(", which must be ", *unused.only) : "",
        ": ",
        unused.about,
        ".\n");
  }
  return lines;
}

} // namespace

std::vector<std::string> names_of_method(const Description& description) {
  std::vector<std::string> names = {description.name};
  for (const auto& alias : description.aliases) {
    names.push_back(alias.name);
  }
  for (const auto& own : description.own_makers) {
    names.push_back(own.name);
  }
  return names;
}

std::string options_table(const Description& description) {
  const auto rows = option_rows(description);
  const auto lines = name_lines(description);
  return (rows.empty() ? std::string("None.\n")
                       : "| | default | may be | |\n|--|--|--|--|\n" + rows) +
      (lines.empty() ? "" : "\n" + lines);
}

} // namespace polytask::testing
