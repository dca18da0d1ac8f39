// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "description.h"

#include <c10/util/Exception.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>

#include <polytask/balancing/described.h>
#include <polytask/balancing/make.h>
#include "core/check.h"

namespace polytask::balancing::detail {

namespace {

using OptionNames = std::vector<std::pair<std::string, std::string>>;

[[noreturn]] void refuse_kind(
    const std::string& who,
    const std::string& by,
    const std::string& expected) {
  C10_THROW_ERROR(
      ValueError,
      c10::str(who, ": the option '", by, "' must be ", expected, "."));
}

void check_range(
    const Range& range,
    double number,
    const std::string& who,
    const std::string& by) {
  TORCH_CHECK_VALUE(
      range.holds(number),
      who,
      ": expected ",
      by,
      " ",
      range.words(),
      ", but got ",
      number,
      ".");
}

void check_whole(double number, const std::string& who, const std::string& by) {
  if (number != std::floor(number) || std::abs(number) > 1e15) {
    refuse_kind(who, by, "a whole number");
  }
}

void check_choice(
    const Option& option,
    const OptionValue& value,
    const std::string& who,
    const std::string& by) {
  const auto& words = option.words;
  const bool is_known = value.word()
      ? std::find(words.begin(), words.end(), *value.word()) != words.end()
      : value.number() && *value.number() >= 0 &&
          *value.number() < static_cast<double>(words.size()) &&
          *value.number() == std::floor(*value.number());
  TORCH_CHECK_VALUE(
      is_known,
      who,
      ": expected ",
      by,
      " to be one of ",
      polytask::detail::quoted(words),
      " or its place among them, but got ",
      value,
      ".");
}

void check_numbers(
    const Option& option,
    const OptionValue& value,
    const std::string& who,
    const std::string& by) {
  const bool is_single = option.may_be_single && value.number();
  if (!value.numbers() && !is_single) {
    refuse_kind(
        who,
        by,
        option.may_be_single ? "a number or a list of numbers"
                             : "a list of numbers");
  }
  const auto numbers =
      is_single ? std::vector<double>{*value.number()} : *value.numbers();
  for (size_t place = 0; place < numbers.size(); ++place) {
    const double number = numbers[place];
    if (option.kind == Option::Kind::kIntegers && std::isfinite(number)) {
      check_whole(number, who, by);
    }
    // Most lists have a number for each task.
    const bool is_by_task =
        option.kind == Option::Kind::kNumbers && !option.may_be_single;
    TORCH_CHECK_VALUE(
        option.range.holds(number),
        who,
        ": expected ",
        by,
        " ",
        option.range.words(),
        ", but ",
        is_by_task ? c10::str("that of task ", place) : "one",
        " is ",
        number,
        ".");
  }
  TORCH_CHECK_VALUE(
      !option.is_required || !numbers.empty(),
      who,
      ": expected ",
      by,
      " that are not empty.");
}

OptionNames taken_by(const Description& description, const std::string& name) {
  for (const auto& alias : description.aliases) {
    if (alias.name == name) {
      return alias.takes;
    }
  }
  OptionNames takes = description.also_takes;
  for (const auto& option : description.options) {
    takes.emplace_back(option.name, option.name);
  }
  return takes;
}

void start_as(
    const Description& description, const std::string& name, void* settings) {
  for (const auto& alias : description.aliases) {
    if (alias.name == name) {
      alias.start(settings);
    }
  }
}

const Unused* find_unused(
    const Description& description,
    const std::string& name,
    const std::string& option) {
  for (const auto& unused : description.unused) {
    if (unused.of == name && unused.name == option) {
      return &unused;
    }
  }
  return nullptr;
}

void check_unused(
    const Unused& unused, const OptionValue& value, const std::string& who) {
  if (unused.only) {
    TORCH_CHECK_VALUE(
        value == *unused.only,
        who,
        ": expected ",
        unused.name,
        " to be ",
        *unused.only,
        ", but got ",
        value,
        ".");
    return;
  }
  if (!value.number()) {
    refuse_kind(who, unused.name, "a number");
  }
  check_range(at_least(0), *value.number(), who, unused.name);
}

std::vector<std::string> names_of(
    const Description& description, const std::string& name) {
  std::vector<std::string> all;
  for (const auto& [given, option] : taken_by(description, name)) {
    all.push_back(given);
  }
  for (const auto& unused : description.unused) {
    if (unused.of == name) {
      all.push_back(unused.name);
    }
  }
  if (description.inner) {
    all.push_back(description.inner->option);
  }
  return all;
}

/// The method inside, from what is left of the options.
void make_inner(
    const Description& description,
    const std::string& who,
    OptionValues rest,
    void* settings) {
  const Inner& inner = *description.inner;
  std::string name = inner.otherwise;
  const auto found = rest.find(inner.option);
  if (found != rest.end()) {
    if (!found->second.word()) {
      refuse_kind(who, inner.option, "a word");
    }
    name = *found->second.word();
    rest.erase(found);
  }
  TORCH_CHECK_VALUE(
      !name.empty(), who, ": needs the option '", inner.option, "'.");
  const std::string prefix = inner.option + '.';
  OptionValues its_own;
  for (const auto& [key, value] : rest) {
    const bool has_prefix = key.starts_with(prefix);
    its_own.insert_or_assign(
        has_prefix ? key.substr(prefix.size()) : key, value);
  }
  inner.write(settings, make(name, its_own));
}

void print_value(
    const Option& option,
    const std::optional<OptionValue>& value,
    std::ostream& stream) {
  if (!value) {
    stream << "none";
  } else if (option.kind == Option::Kind::kFlag) {
    stream << (*value->number() != 0 ? "true" : "false");
  } else {
    stream << *value;
  }
}

} // namespace

const Option& Description::option(const std::string& option_name) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const auto& each) {
        return each.name == option_name;
      });
  TORCH_INTERNAL_ASSERT(
      found != options.end(), name, " describes no option ", option_name);
  return *found;
}

void check_value(
    const Option& option,
    const OptionValue& value,
    const std::string& who,
    const std::string& by) {
  using Kind = Option::Kind;
  if (option.kind == Kind::kChoice) {
    check_choice(option, value, who, by);
    return;
  }
  if (option.kind == Kind::kNumbers || option.kind == Kind::kIntegers) {
    check_numbers(option, value, who, by);
    return;
  }
  if (!value.number()) {
    refuse_kind(who, by, "a number");
  }
  const double number = *value.number();
  if (option.kind == Kind::kFlag) {
    if (number != 0 && number != 1) {
      refuse_kind(who, by, "0 or 1");
    }
    return;
  }
  if (option.kind == Kind::kInteger && std::isfinite(number)) {
    check_whole(number, who, by);
  }
  check_range(option.range, number, who, by);
}

std::vector<std::pair<const Option*, std::optional<OptionValue>>> values_of(
    const Description& description, const Balancing& method) {
  const auto settings = description.settings(method);
  std::vector<std::pair<const Option*, std::optional<OptionValue>>> values;
  for (const auto& option : description.options) {
    values.emplace_back(&option, option.read(settings.get()));
  }
  return values;
}

std::unique_ptr<Balancing> make_described(
    const Description& description,
    const std::string& name,
    const OptionValues& values) {
  const auto settings = description.fresh();
  start_as(description, name, settings.get());
  const OptionNames takes = taken_by(description, name);
  std::vector<std::string> given;
  OptionValues rest;
  for (const auto& [key, value] : values) {
    const auto found =
        std::find_if(takes.begin(), takes.end(), [&](const auto& each) {
          return each.first == key;
        });
    if (found != takes.end()) {
      const Option& option = description.option(found->second);
      check_value(option, value, name, key);
      TORCH_CHECK_VALUE(
          std::find(given.begin(), given.end(), option.name) == given.end(),
          name,
          ": the option '",
          option.name,
          "' is given twice, by '",
          key,
          "' too.");
      option.write(settings.get(), value);
      given.push_back(option.name);
    } else if (const Unused* unused = find_unused(description, name, key)) {
      check_unused(*unused, value, name);
    } else {
      rest.emplace(key, value);
    }
  }
  for (const auto& option : description.options) {
    TORCH_CHECK_VALUE(
        !option.is_required ||
            std::find(given.begin(), given.end(), option.name) != given.end(),
        name,
        ": needs the option '",
        option.name,
        "'.");
  }
  if (description.inner) {
    make_inner(description, name, std::move(rest), settings.get());
  } else {
    check_no_others(name, rest, names_of(description, name));
  }
  if (description.complete) {
    description.complete(settings.get(), given);
  }
  return description.make(settings.get());
}

void check_no_others(
    const std::string& who,
    const OptionValues& others,
    const std::vector<std::string>& known) {
  if (!others.empty()) {
    TORCH_CHECK_VALUE(
        false,
        who,
        ": has no option '",
        others.begin()->first,
        "'; it has ",
        known.empty() ? "none" : polytask::detail::quoted(known),
        ".");
  }
}

const std::string& name_in(const Description& description) {
  return description.name;
}

OptionValues options_in(
    const Description& description, const Balancing& method) {
  OptionValues values;
  for (const auto& [option, value] : values_of(description, method)) {
    if (value) {
      values.emplace(option->name, *value);
    }
  }
  if (description.inner) {
    const auto settings = description.settings(method);
    const Balancing& inner = description.inner->read(settings.get());
    values.emplace(description.inner->option, inner.name());
    for (const auto& [name, value] : inner.options()) {
      values.emplace(description.inner->option + '.' + name, value);
    }
  }
  return values;
}

void print_described(
    const Description& description,
    const Balancing& method,
    std::ostream& stream) {
  stream << description.type << '(';
  const char* between = "";
  for (const auto& [option, value] : values_of(description, method)) {
    stream << between << option->name << '=';
    print_value(*option, value, stream);
    between = ", ";
  }
  if (description.inner) {
    const auto settings = description.settings(method);
    stream << between << description.inner->option << '='
           << description.inner->read(settings.get());
  }
  stream << ')';
}

void check_described(const Description& description, const Balancing& method) {
  for (const auto& [option, value] : values_of(description, method)) {
    TORCH_CHECK_VALUE(
        value || option->kind != Option::Kind::kChoice,
        description.name,
        ": expected ",
        option->name,
        " to be one of the values that it has.");
    if (value) {
      check_value(*option, *value, description.name, option->name);
    }
  }
}

} // namespace polytask::balancing::detail
